"""Kling's operations that make sounds."""

from typing import Literal

from relay.providers.kling.requests.body import KlingBody, KlingRequest, VideoSource
from relay.providers.kling.requests.fields import Flag, LongSpeech, SoundPrompt, SoundSeconds, Speed


class TextToAudio(KlingRequest):
    """Kling API reference, audio/text-to-audio. A result has an MP3 and a WAV."""

    prompt: SoundPrompt
    duration: SoundSeconds


class VideoToAudio(KlingRequest, VideoSource):
    """Kling API reference, audio/video-to-audio. A result has the video with its sound, an MP3 and a WAV."""

    sound_effect_prompt: SoundPrompt | None = None
    bgm_prompt: SoundPrompt | None = None
    asmr_mode: Flag | None = None


class TextToSpeech(KlingBody):
    """Kling API reference, audio/tts: answers at once."""

    text: LongSpeech
    voice_id: str
    voice_language: Literal["zh", "en"]
    voice_speed: Speed | None = None
