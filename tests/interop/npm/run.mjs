// npm's kling-api, unmodified: every operation that it has, created and awaited, and what it makes of a refusal.
// Reads {url, accessKey, secretKey, wrong, limited, image, sound, video} as JSON, writes what came of it as JSON.
import { KlingAPI, KlingAPIError } from 'kling-api';

const given = JSON.parse(await new Response(process.stdin).text());
const client = (accessKey, secretKey, base = '') => new KlingAPI({ accessKey, secretKey, baseUrl: given.url + base });
const api = client(given.accessKey, given.secretKey);
const prompt = 'A ginger cat watches the rain';
const waiting = { interval: 250, timeout: 90_000, showSpinner: false };

const OPERATIONS = {
  'videos/text2video': ['textToVideo', 'queryTextToVideoTask', { prompt, duration: '5', aspect_ratio: '9:16' }],
  'videos/image2video': ['imageToVideo', 'queryImageToVideoTask', { image: given.image, prompt, mode: 'std', cfg_scale: 0.4 }],
  'videos/video-extend': ['extendVideo', 'queryExtendVideoTask', { video_id: given.video, prompt }],
  'videos/multi-image2video': ['multiImageToVideo', 'queryMultiImageToVideoTask', { image_list: [{ image: given.image }, { image: given.image }], prompt }],
  'videos/omni-video': ['omniVideo', 'queryOmniVideoTask', { prompt: `${prompt} like <<<image_1>>>`, image_list: [{ image_url: given.image, type: 'first_frame' }], duration: '5' }],
  'videos/avatar/image2video': ['createAvatar', 'queryAvatarTask', { image: given.image, sound_file: given.sound, mode: 'std' }],
  'images/generations': ['generateImage', 'queryImageGenTask', { prompt, n: 2, aspect_ratio: '3:2' }],
  'images/editing/expand': ['expandImage', 'queryImageExpandTask', { image: given.image, up_expansion_ratio: 0.1, down_expansion_ratio: 0.2, left_expansion_ratio: 0.3, right_expansion_ratio: 0.4 }],
  'images/omni-image': ['omniImage', 'queryOmniImageTask', { prompt: `${prompt} like <<<image_1>>>`, image_list: [{ image: given.image }], n: 2, aspect_ratio: 'auto' }],
  'images/multi-image2image': ['multiImageToImage', 'queryMultiImageToImageTask', { subject_image_list: [{ subject_image: given.image }, { subject_image: given.image }], prompt }],
};

async function awaited(operation) {
  const [create, query, body] = OPERATIONS[operation];
  const created = await api[create](body);
  const wait = operation.startsWith('images/') ? 'waitForImageResult' : 'waitForVideoResult';
  const { code, data } = await api[wait](created.data.task_id, api[query].bind(api), waiting);
  const files = [...(data.task_result.images ?? []), ...(data.task_result.videos ?? [])].map((file) => file.url);
  return { created: created.data, code, data, files };
}

// What the client raises, as its own type has it.
async function raised(act) {
  try {
    return { answered: await act() };
  } catch (error) {
    const { name, message, code, httpStatus, requestId } = error;
    return { own: error instanceof KlingAPIError, name, message, code, httpStatus, requestId };
  }
}

const outcome = { awaited: {}, raised: {} };
for (const operation of Object.keys(OPERATIONS)) {
  try {
    outcome.awaited[operation] = await awaited(operation);
  } catch (error) {
    outcome.awaited[operation] = { error: String(error), code: error.code };
  }
}
outcome.costs = await raised(() => api.getAccountInfo(Date.now() - 3_600_000, Date.now()));
outcome.healthy = [await api.healthCheck(), await client(given.accessKey, given.wrong).healthCheck()];
outcome.prefixed = await raised(() => client(given.accessKey, given.secretKey, '/kling').textToVideo({ prompt }));

const once = { prompt, external_task_id: `interop-${Date.now()}` };
await api.textToVideo(once);
outcome.raised.taken = await raised(() => api.textToVideo(once));
outcome.raised.wrongField = await raised(() => api.omniVideo({ prompt, image_list: [{ image_url: given.image, type: 'middle_frame' }] }));
outcome.raised.unknownTask = await raised(() => api.queryTextToVideoTask('no-such-task'));
outcome.raised.wrongSecret = await raised(() => client(given.accessKey, given.wrong).textToVideo({ prompt }));
outcome.raised.unknownKey = await raised(() => client('cra_nobody', given.wrong).queryImageGenTask('x'));
const limited = client(given.limited.accessKey, given.limited.secretKey);
for (let tries = 0; tries < 3 && outcome.raised.limited?.code === undefined; tries += 1) {
  outcome.raised.limited = await raised(() => limited.generateImage({ prompt }));
}
const risky = await api.textToVideo({ prompt: '[risk] nothing that may be shown' });
outcome.raised.failedTask = await raised(() => api.waitForVideoResult(risky.data.task_id, undefined, waiting));

process.stdout.write(JSON.stringify(outcome));
