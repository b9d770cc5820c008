"""Kling's operations that make sounds."""

from typing import Literal

from relay.providers.kling_fields import Flag, LongSpeech, SoundPrompt, SoundSeconds, Speed
from relay.providers.kling_requests import KlingBody, KlingRequest, VideoSource


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
