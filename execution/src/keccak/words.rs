//! Registers that hold one 64-bit word of several states.
#![expect(
    unsafe_code,
    reason = "the processor's instructions, called once it is known to have them"
)]
#![expect(
    clippy::inline_always,
    reason = "the instructions must become a part of a function that may use them"
)]

use std::arch::x86_64::{
    __m256i, __m512i, _mm256_and_si256, _mm256_andnot_si256, _mm256_or_si256, _mm256_set1_epi64x,
    _mm256_sllv_epi64, _mm256_srlv_epi64, _mm256_xor_si256, _mm512_and_si512, _mm512_rolv_epi64,
    _mm512_set1_epi64, _mm512_ternarylogic_epi64, _mm512_xor_si512,
};

/// One word of each of `LANES` states.
///
/// # Safety
/// Of all functions: the processor must have the instructions, and the caller must be compiled for them, at least when all
/// is inlined.
pub(super) trait Words<const LANES: usize>: Copy {
    /// The same word for all.
    unsafe fn splat(word: u64) -> Self;

    unsafe fn gather(words: [u64; LANES]) -> Self;

    unsafe fn spread(self) -> [u64; LANES];

    unsafe fn and(self, other: Self) -> Self;

    unsafe fn xor(self, other: Self) -> Self;

    unsafe fn xor3(self, second: Self, third: Self) -> Self;

    /// To the left.
    unsafe fn rotate(self, by: u32) -> Self;

    /// `self ^ (!next & after)`.
    unsafe fn chi(self, next: Self, after: Self) -> Self;
}

impl Words<8> for __m512i {
    #[inline(always)]
    unsafe fn splat(word: u64) -> Self {
        // SAFETY: as the caller's.
        unsafe { _mm512_set1_epi64(word.cast_signed()) }
    }

    #[inline(always)]
    unsafe fn gather(words: [u64; 8]) -> Self {
        // SAFETY: both are 64 bytes without padding, and any bits are valid.
        unsafe { std::mem::transmute(words) }
    }

    #[inline(always)]
    unsafe fn spread(self) -> [u64; 8] {
        // SAFETY: both are 64 bytes without padding, and any bits are valid.
        unsafe { std::mem::transmute(self) }
    }

    #[inline(always)]
    unsafe fn and(self, other: Self) -> Self {
        // SAFETY: as the caller's.
        unsafe { _mm512_and_si512(self, other) }
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: as the caller's.
        unsafe { _mm512_xor_si512(self, other) }
    }

    #[inline(always)]
    unsafe fn xor3(self, second: Self, third: Self) -> Self {
        // SAFETY: as the caller's.
        unsafe { _mm512_ternarylogic_epi64::<0x96>(self, second, third) }
    }

    #[inline(always)]
    unsafe fn rotate(self, by: u32) -> Self {
        // SAFETY: as the caller's.
        unsafe { _mm512_rolv_epi64(self, _mm512_set1_epi64(i64::from(by))) }
    }

    #[inline(always)]
    unsafe fn chi(self, next: Self, after: Self) -> Self {
        // SAFETY: as the caller's.
        unsafe { _mm512_ternarylogic_epi64::<0xd2>(self, next, after) }
    }
}

impl Words<4> for __m256i {
    #[inline(always)]
    unsafe fn splat(word: u64) -> Self {
        // SAFETY: as the caller's.
        unsafe { _mm256_set1_epi64x(word.cast_signed()) }
    }

    #[inline(always)]
    unsafe fn gather(words: [u64; 4]) -> Self {
        // SAFETY: both are 32 bytes without padding, and any bits are valid.
        unsafe { std::mem::transmute(words) }
    }

    #[inline(always)]
    unsafe fn spread(self) -> [u64; 4] {
        // SAFETY: both are 32 bytes without padding, and any bits are valid.
        unsafe { std::mem::transmute(self) }
    }

    #[inline(always)]
    unsafe fn and(self, other: Self) -> Self {
        // SAFETY: as the caller's.
        unsafe { _mm256_and_si256(self, other) }
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: as the caller's.
        unsafe { _mm256_xor_si256(self, other) }
    }

    #[inline(always)]
    unsafe fn xor3(self, second: Self, third: Self) -> Self {
        // SAFETY: as the caller's.
        unsafe { self.xor(second).xor(third) }
    }

    #[inline(always)]
    unsafe fn rotate(self, by: u32) -> Self {
        // A shift by 64 gives zero, so that a rotation by nothing is right, too.
        // SAFETY: as the caller's.
        unsafe {
            let left = _mm256_set1_epi64x(i64::from(by));
            let right = _mm256_set1_epi64x(i64::from(64_u32.saturating_sub(by)));
            _mm256_or_si256(_mm256_sllv_epi64(self, left), _mm256_srlv_epi64(self, right))
        }
    }

    #[inline(always)]
    unsafe fn chi(self, next: Self, after: Self) -> Self {
        // SAFETY: as the caller's.
        unsafe { self.xor(_mm256_andnot_si256(next, after)) }
    }
}
