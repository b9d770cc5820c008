// npm's replicate, unmodified: predictions created, awaited, refused, listed and cancelled.
// Reads {url, key} as JSON, writes what came of it as JSON.
import Replicate from 'replicate';

const given = JSON.parse(await new Response(process.stdin).text());
const client = (auth) => new Replicate({ auth, baseUrl: `${given.url}/replicate/v1` });
const api = client(given.key);
const model = 'black-forest-labs/flux-schnell';
const version = '0123456789abcdef'.repeat(4);
const prompt = 'a paper boat';

// What the client raises, as its own type has it.
async function raised(act) {
  try {
    return { answered: await act() };
  } catch (error) {
    const body = await error.response?.json().catch(() => ({}));
    return { own: error.name === 'ApiError', status: error.response?.status, title: body?.title, detail: error.message };
  }
}

const created = {
  model: await api.predictions.create({ model, input: { prompt, num_outputs: 2 } }),
  version: await api.predictions.create({ version, input: { prompt } }),
  failed: await api.predictions.create({ version, input: { prompt: '[risk] nothing that may be shown' } }),
};
const cancelled = await api.predictions.cancel((await api.predictions.create({ version, input: { prompt } })).id);
const listed = (await api.predictions.list()).results.map((prediction) => prediction.id);
const ended = {};
for (const [name, prediction] of Object.entries(created)) {
  // It raises an error if the prediction has failed.
  ended[name] = await api.wait(prediction, { interval: 1000 }).catch(() => api.predictions.get(prediction.id));
}
const outcome = {
  created,
  ended,
  cancelled,
  listed,
  raised: {
    wrongInput: await raised(() => api.predictions.create({ version, input: {} })),
    unknown: await raised(() => api.predictions.get('no-such-prediction')),
    wrongKey: await raised(() => client('nobody').predictions.list()),
  },
};
process.stdout.write(JSON.stringify(outcome));
