//! `keccak256` of many byte strings.
//!
//! With AVX-512, eight of them are hashed side by side, in about the time of one; elsewhere one after the other. Which way it
//! goes changes nothing but the time: the tests hold both against each other.

use alloy_primitives::{B256, keccak256};

/// The hashes of `inputs`, in their order.
pub(crate) fn keccak256_all(inputs: &[&[u8]]) -> Vec<B256> {
    #[cfg(target_arch = "x86_64")]
    if inputs.len() > 1 && std::arch::is_x86_feature_detected!("avx512f") {
        return lanes::keccak256_all(inputs);
    }
    inputs.iter().map(keccak256).collect()
}

#[cfg(target_arch = "x86_64")]
mod lanes {
    #![expect(
        unsafe_code,
        reason = "the processor's instructions, called once it is known to have them"
    )]
    #![expect(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "arrays of constant length, and offsets within byte strings in memory"
    )]

    use std::arch::x86_64::{
        __m512i, _mm512_maskz_mov_epi64, _mm512_rolv_epi64, _mm512_set_epi64, _mm512_set1_epi64,
        _mm512_setzero_si512, _mm512_ternarylogic_epi64, _mm512_xor_si512,
    };

    use alloy_primitives::B256;

    const LANES: usize = 8;
    /// Bytes that a permutation takes in.
    const RATE: usize = 136;
    const WORDS: usize = RATE / 8;
    const XOR3: i32 = 0x96;
    /// a ^ (!b & c)
    const CHI: i32 = 0xd2;

    const ROTATIONS: [i64; 25] = [
        0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56,
        14,
    ];

    const ROUNDS: [u64; 24] = [
        0x0000_0000_0000_0001,
        0x0000_0000_0000_8082,
        0x8000_0000_0000_808a,
        0x8000_0000_8000_8000,
        0x0000_0000_0000_808b,
        0x0000_0000_8000_0001,
        0x8000_0000_8000_8081,
        0x8000_0000_0000_8009,
        0x0000_0000_0000_008a,
        0x0000_0000_0000_0088,
        0x0000_0000_8000_8009,
        0x0000_0000_8000_000a,
        0x0000_0000_8000_808b,
        0x8000_0000_0000_008b,
        0x8000_0000_0000_8089,
        0x8000_0000_0000_8003,
        0x8000_0000_0000_8002,
        0x8000_0000_0000_0080,
        0x0000_0000_0000_800a,
        0x8000_0000_8000_000a,
        0x8000_0000_8000_8081,
        0x8000_0000_0000_8080,
        0x0000_0000_8000_0001,
        0x8000_0000_8000_8008,
    ];

    pub(super) fn keccak256_all(inputs: &[&[u8]]) -> Vec<B256> {
        // SAFETY: the caller has asked the processor.
        unsafe { hash(inputs) }
    }

    /// A byte string on its way through a lane.
    #[derive(Clone, Copy, Default)]
    struct Lane {
        /// Which one; none when there is no more.
        input: Option<usize>,
        at: usize,
    }

    #[target_feature(enable = "avx512f")]
    fn hash(inputs: &[&[u8]]) -> Vec<B256> {
        let mut hashes = vec![B256::ZERO; inputs.len()];
        // The longest first, so that no lane is left alone with it at the end.
        let mut order: Vec<usize> = (0..inputs.len()).collect();
        order.sort_unstable_by_key(|index| std::cmp::Reverse(inputs[*index].len()));
        let mut queue = order.into_iter();
        let mut lanes = [Lane::default(); LANES];
        let mut blocks = [[0_u64; WORDS]; LANES];
        let mut state = [_mm512_setzero_si512(); 25];
        loop {
            // Lanes that go on keep their state, those that begin start with zeros.
            let mut keep = 0_u8;
            let mut ends = 0_u8;
            for (index, lane) in lanes.iter_mut().enumerate() {
                match lane.input {
                    Some(_) => keep |= 1 << index,
                    None => *lane = Lane { input: queue.next(), at: 0 },
                }
                let Some(input) = lane.input else {
                    continue;
                };
                let rest = &inputs[input][lane.at..];
                lane.at += RATE;
                if fill(&mut blocks[index], rest) {
                    ends |= 1 << index;
                }
            }
            if lanes.iter().all(|lane| lane.input.is_none()) {
                return hashes;
            }
            absorb(&mut state, &blocks, keep);
            permute(&mut state);
            for (index, lane) in
                lanes.iter_mut().enumerate().filter(|(index, _)| ends >> index & 1 == 1)
            {
                if let Some(input) = lane.input.take() {
                    hashes[input] = squeeze(&state, index);
                }
            }
        }
    }

    /// The next block of a string. True when it is the last one, with the padding.
    #[inline]
    fn fill(block: &mut [u64; WORDS], rest: &[u8]) -> bool {
        let mut padded = [0_u8; RATE];
        let (bytes, last) = match rest.first_chunk::<RATE>() {
            Some(bytes) => (bytes, false),
            None => {
                padded[..rest.len()].copy_from_slice(rest);
                padded[rest.len()] = 0x01;
                padded[RATE - 1] |= 0x80;
                (&padded, true)
            }
        };
        for (word, bytes) in block.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        last
    }

    #[target_feature(enable = "avx512f")]
    fn absorb(state: &mut [__m512i; 25], blocks: &[[u64; WORDS]; LANES], keep: u8) {
        for (index, word) in state.iter_mut().enumerate() {
            *word = _mm512_maskz_mov_epi64(keep, *word);
            if index < WORDS {
                let of = |lane: usize| blocks[lane][index].cast_signed();
                let words =
                    _mm512_set_epi64(of(7), of(6), of(5), of(4), of(3), of(2), of(1), of(0));
                *word = _mm512_xor_si512(*word, words);
            }
        }
    }

    fn squeeze(state: &[__m512i; 25], lane: usize) -> B256 {
        let mut hash = B256::ZERO;
        for (bytes, word) in hash.as_chunks_mut::<8>().0.iter_mut().zip(state) {
            // SAFETY: both are 64 bytes without padding, and any bits are valid.
            let words: [u64; LANES] = unsafe { std::mem::transmute(*word) };
            *bytes = words[lane].to_le_bytes();
        }
        hash
    }

    /// Keccak-f\[1600\] (FIPS 202, section 3). `state[x + 5 * y]` before and after; in between, rounds write where they read,
    /// so that all fits the 32 registers: lanes come back to their places every fourth round.
    #[target_feature(enable = "avx512f")]
    fn permute(state: &mut [__m512i; 25]) {
        let mut a = *state;
        for constants in ROUNDS.as_chunks::<4>().0 {
            round::<0>(&mut a, constants[0]);
            round::<1>(&mut a, constants[1]);
            round::<2>(&mut a, constants[2]);
            round::<3>(&mut a, constants[3]);
        }
        *state = a;
    }

    /// Where a lane lies after `rounds` rounds.
    const fn place(rounds: usize, x: usize, y: usize) -> usize {
        let (x, mut y, mut done) = (x % 5, y % 5, 0);
        while done < rounds {
            y = (x + 2 * y) % 5;
            done += 1;
        }
        x + 5 * y
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn round<const DONE: usize>(a: &mut [__m512i; 25], constant: u64) {
        let mut columns = [_mm512_setzero_si512(); 5];
        for (x, column) in columns.iter_mut().enumerate() {
            let lane = |y: usize| a[place(DONE, x, y)];
            let upper = _mm512_ternarylogic_epi64::<XOR3>(lane(0), lane(1), lane(2));
            *column = _mm512_ternarylogic_epi64::<XOR3>(upper, lane(3), lane(4));
        }
        let mut theta = columns;
        for (x, theta) in theta.iter_mut().enumerate() {
            let right = _mm512_rolv_epi64(columns[(x + 1) % 5], _mm512_set1_epi64(1));
            *theta = _mm512_xor_si512(columns[(x + 4) % 5], right);
        }
        for y in 0..5 {
            // The lanes that become row y, one of each column.
            let mut row = [_mm512_setzero_si512(); 5];
            for x in 0..5 {
                let from = (x + 2 * y) % 5;
                let mixed = _mm512_xor_si512(a[place(DONE, x, from)], theta[x]);
                row[from] = _mm512_rolv_epi64(mixed, _mm512_set1_epi64(ROTATIONS[x + 5 * from]));
            }
            for x in 0..5 {
                let (next, after) = (row[(x + 1) % 5], row[(x + 2) % 5]);
                a[place(DONE, x, x + 2 * y)] =
                    _mm512_ternarylogic_epi64::<CHI>(row[x], next, after);
            }
        }
        a[0] = _mm512_xor_si512(a[0], _mm512_set1_epi64(constant.cast_signed()));
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{B256, keccak256};
    use proptest::{collection::vec, prelude::*};

    use super::keccak256_all;

    fn one_by_one(inputs: &[Vec<u8>]) -> Vec<B256> {
        inputs.iter().map(keccak256).collect()
    }

    fn together(inputs: &[Vec<u8>]) -> Vec<B256> {
        let inputs: Vec<_> = inputs.iter().map(Vec::as_slice).collect();
        keccak256_all(&inputs)
    }

    #[test]
    fn every_length_around_a_block_is_hashed_as_alone() {
        let inputs: Vec<Vec<u8>> = (0..420_usize)
            .map(|len| (0..len).map(|at| u8::try_from((at * 7 + len) % 256).unwrap()).collect())
            .collect();
        assert_eq!(together(&inputs), one_by_one(&inputs));
        for inputs in inputs.chunks(3) {
            assert_eq!(together(inputs), one_by_one(inputs));
        }
    }

    proptest! {
        #[test]
        fn strings_of_any_lengths_are_hashed_as_alone(inputs in vec(vec(any::<u8>(), 0..700), 0..30)) {
            prop_assert_eq!(together(&inputs), one_by_one(&inputs));
        }
    }
}
