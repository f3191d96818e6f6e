"""Right calls of ops on text, images and signals."""

from __future__ import annotations

import numpy as np

import numflow as nf
from tests.robust.arguments import (
    CUBE,
    HUGE,
    LARGE,
    PICTURE,
    PICTURES,
    SEED,
    A,
    Arguments,
    K,
    S,
    X,
)

COLOURS = (
    "flip_left_right flip_up_down hsv_to_rgb per_image_standardization rgb_to_grayscale "
    "rgb_to_hsv rgb_to_yiq rgb_to_yuv total_variation transpose yiq_to_rgb yuv_to_rgb rot90"
)

ARGUMENTS: dict[str, Arguments] = {
    # --- strings ---
    "strings.bytes_split": A(S),
    "strings.format": A("{} of {}", [X, K], "{}", 3),
    "strings.join": A([S, S], "-"),
    "strings.length": A(S, "UTF8_CHAR"),
    "strings.lower": A(S, "utf-8"),
    "strings.ngrams": A(S, 2, " ", ("<", ">"), 1, True),
    "strings.reduce_join": A([S, S], 0, True, "-"),
    "strings.regex_full_match": A(S, "a.*"),
    "strings.regex_replace": A(S, "(a)", r"\1\1", True),
    "strings.split": A(S, " ", 1),
    "strings.strip": A(S),
    "strings.substr": A(S, 0, 2, "BYTE"),
    "strings.to_hash_bucket": A(S, 7),
    "strings.to_hash_bucket_fast": A(S, 7),
    "strings.to_hash_bucket_strong": A(S, 7, [1, 2]),
    "strings.to_number": A(["1", "2.5"], nf.float32),
    "strings.unicode_decode": A(S, "UTF-8", "replace", 65533, False),
    "strings.unicode_decode_with_offsets": A(S, "UTF-8", "replace", 65533, False),
    "strings.unicode_encode": A([[97, 98], [99, 100]], "UTF-8", "replace", 65533),
    "strings.unicode_split": A(S, "UTF-8", "replace", 65533),
    "strings.unicode_split_with_offsets": A(S, "UTF-8", "replace", 65533),
    "strings.unicode_transcode": A(S, "UTF-8", "UTF-16-BE", "replace", 65533, False),
    "strings.unsorted_segment_join": A(S, K, 2, "-"),
    "strings.upper": A(S, "utf-8"),
    # --- image ---
    **{f"image.{name}": A(PICTURE) for name in COLOURS.split()},
    "image.adjust_brightness": A(PICTURE, 0.1),
    "image.adjust_contrast": A(PICTURE, 2.0),
    "image.adjust_gamma": A(PICTURE, 2.0, 1.5),
    "image.adjust_hue": A(PICTURE, 0.1),
    "image.adjust_saturation": A(PICTURE, 2.0),
    "image.central_crop": A(PICTURE, 0.5),
    "image.convert_image_dtype": A(PICTURE, nf.uint8, True),
    "image.crop_and_resize": A(PICTURES, [[0.0, 0.0, 0.5, 1.0]], [1], [3, 2], "bilinear", 0.5),
    "image.crop_to_bounding_box": A(PICTURE, 1, 2, 3, 4),
    "image.extract_glimpse": A(PICTURES, [2, 3], [[0.0, 0.5], [0.1, 0.2]], True, True, "zero"),
    "image.extract_patches": A(PICTURES, [1, 2, 2, 1], [1, 2, 2, 1], [1, 1, 1, 1], "SAME"),
    "image.grayscale_to_rgb": A(LARGE),
    "image.image_gradients": A(PICTURES),
    "image.pad_to_bounding_box": A(PICTURE, 1, 2, 8, 11),
    "image.psnr": A(PICTURE, PICTURE, 1.0),
    "image.random_brightness": A(PICTURE, 0.1, 1),
    "image.random_contrast": A(PICTURE, 0.5, 2.0, 1),
    "image.random_crop": A(PICTURE, [2, 3, 3], 1),
    "image.random_flip_left_right": A(PICTURE, 1),
    "image.random_flip_up_down": A(PICTURE, 1),
    "image.random_hue": A(PICTURE, 0.1, 1),
    "image.random_saturation": A(PICTURE, 0.5, 2.0, 1),
    "image.resize": A(PICTURES, [3, 4], "bicubic", False, True),
    "image.resize_with_crop_or_pad": A(PICTURES, 7, 3),
    "image.resize_with_pad": A(PICTURES, 7, 3, "bilinear", False),
    "image.sobel_edges": A(PICTURES),
    "image.ssim": A(LARGE, LARGE, 1.0, 5, 1.5, 0.01, 0.03, False),
    "image.ssim_multiscale": A(HUGE, HUGE, 1.0, [0.5, 0.5], 5, 1.5, 0.01, 0.03),
    "image.stateless_random_brightness": A(PICTURE, 0.1, SEED),
    "image.stateless_random_contrast": A(PICTURE, 0.5, 2.0, SEED),
    "image.stateless_random_crop": A(PICTURE, [2, 3, 3], SEED),
    "image.stateless_random_flip_left_right": A(PICTURE, SEED),
    "image.stateless_random_flip_up_down": A(PICTURE, SEED),
    "image.stateless_random_hue": A(PICTURE, 0.1, SEED),
    "image.stateless_random_saturation": A(PICTURE, 0.5, 2.0, SEED),
    # --- signal ---
    **{f"signal.{name}": A(CUBE.astype(np.complex64)) for name in ("fft", "ifft", "fft2d")},
    **{f"signal.{name}": A(CUBE.astype(np.complex64)) for name in ("ifft2d", "fft3d", "ifft3d")},
    **{f"signal.{name}": A(CUBE, [4]) for name in ("rfft",)},
    "signal.rfft2d": A(CUBE, [3, 4]),
    "signal.rfft3d": A(CUBE, [2, 3, 4]),
    "signal.irfft": A(CUBE.astype(np.complex64), [4]),
    "signal.irfft2d": A(CUBE.astype(np.complex64), [3, 4]),
    "signal.irfft3d": A(CUBE.astype(np.complex64), [2, 3, 4]),
    **{
        f"signal.{name}": A(CUBE.astype(np.complex64), [3, 4], [1, 2])
        for name in ("fftnd", "ifftnd")
    },
    "signal.rfftnd": A(CUBE, [3, 4], [1, 2]),
    "signal.irfftnd": A(CUBE.astype(np.complex64), [3, 4], [1, 2]),
    **{f"signal.{name}": A(CUBE, [1]) for name in ("fftshift", "ifftshift")},
    "signal.dct": A(CUBE, 2, 4, -1, "ortho"),
    "signal.idct": A(CUBE, 2, None, -1, "ortho"),
    "signal.frame": A(LARGE[0, ..., 0], 5, 3, True, 0.5, -1),
    "signal.overlap_and_add": A(CUBE, 2),
    "signal.hamming_window": A(5, True, nf.float32),
    "signal.hann_window": A(5, False, nf.float32),
    "signal.stft": A(LARGE[0, ..., 0], 5, 3, 8),
    "signal.inverse_stft": A(np.ones((2, 3, 5), np.complex64), 5, 3, 8),
    "signal.inverse_stft_window_fn": A(3),
    "signal.linear_to_mel_weight_matrix": A(5, 9, 8000.0, 125.0, 3800.0, nf.float32),
    "signal.mfccs_from_log_mel_spectrograms": A(CUBE),
}
