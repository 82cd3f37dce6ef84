//! Several byte strings at once, one in each lane of the registers.
#![expect(
    unsafe_code,
    reason = "the processor's instructions, called once it is known to have them"
)]
#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "arrays of constant length, and offsets within byte strings in memory"
)]
#![expect(
    clippy::inline_always,
    reason = "what is generic over the registers must become a part of a function that may use them"
)]

use std::arch::x86_64::{__m256i, __m512i};

use alloy_primitives::B256;

use super::words::Words;

/// Bytes that a permutation takes in.
const RATE: usize = 136;
const WORDS: usize = RATE / 8;
/// Strings from which on lanes, of which some stay empty, take less time than one after the other.
const FEW: usize = 2;

const ROTATIONS: [u32; 25] =
    [0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14];

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

/// The hashes of `inputs`, if this processor has registers for that and they are enough to fill some lanes.
pub(super) fn keccak256_all(inputs: &[&[u8]]) -> Option<Vec<B256>> {
    if inputs.len() < FEW {
        None
    } else if is_x86_feature_detected!("avx512f") {
        // SAFETY: the processor was asked.
        Some(unsafe { by_eight(inputs) })
    } else if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor was asked.
        Some(unsafe { by_four(inputs) })
    } else {
        None
    }
}

#[target_feature(enable = "avx512f")]
fn by_eight(inputs: &[&[u8]]) -> Vec<B256> {
    // SAFETY: these registers are those of this feature.
    unsafe { hash::<__m512i, 8>(inputs) }
}

#[target_feature(enable = "avx2")]
fn by_four(inputs: &[&[u8]]) -> Vec<B256> {
    // SAFETY: these registers are those of this feature.
    unsafe { hash::<__m256i, 4>(inputs) }
}

/// A byte string on its way through a lane.
#[derive(Clone, Copy, Default)]
struct Lane {
    /// Which one; none when there is no more.
    input: Option<usize>,
    at: usize,
}

/// # Safety
/// The processor must have the instructions of `W`, and the caller the feature.
#[inline(always)]
unsafe fn hash<W: Words<LANES>, const LANES: usize>(inputs: &[&[u8]]) -> Vec<B256> {
    let mut hashes = vec![B256::ZERO; inputs.len()];
    // Those of the most blocks first, so that no lane is left alone with one at the end.
    let mut order: Vec<usize> = (0..inputs.len()).collect();
    order.sort_unstable_by_key(|index| std::cmp::Reverse(inputs[*index].len() / RATE));
    let mut queue = order.into_iter();
    let mut lanes = [Lane::default(); LANES];
    let mut blocks = [[0_u64; WORDS]; LANES];
    // SAFETY: as the caller's.
    let mut state = unsafe { [W::splat(0); 25] };
    loop {
        // Lanes that go on keep their state, those that begin start with zeros.
        let mut keep = [0_u64; LANES];
        let mut ends = [false; LANES];
        for (index, lane) in lanes.iter_mut().enumerate() {
            match lane.input {
                Some(_) => keep[index] = u64::MAX,
                None => *lane = Lane { input: queue.next(), at: 0 },
            }
            let Some(input) = lane.input else {
                continue;
            };
            let rest = &inputs[input][lane.at..];
            lane.at += RATE;
            ends[index] = fill(&mut blocks[index], rest);
        }
        if lanes.iter().all(|lane| lane.input.is_none()) {
            return hashes;
        }
        // SAFETY: as the caller's.
        unsafe {
            absorb(&mut state, &blocks, keep);
            permute(&mut state);
        }
        for (index, lane) in lanes.iter_mut().enumerate().filter(|(index, _)| ends[*index]) {
            if let Some(input) = lane.input.take() {
                // SAFETY: as the caller's.
                hashes[input] = unsafe { squeeze(&state, index) };
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

/// # Safety
/// As [`hash`].
#[inline(always)]
unsafe fn absorb<W: Words<LANES>, const LANES: usize>(
    state: &mut [W; 25],
    blocks: &[[u64; WORDS]; LANES],
    keep: [u64; LANES],
) {
    // SAFETY: as the caller's.
    unsafe {
        let keep = W::gather(keep);
        for (index, word) in state.iter_mut().enumerate() {
            *word = W::and(*word, keep);
            if index < WORDS {
                let mut words = [0; LANES];
                for (word, block) in words.iter_mut().zip(blocks) {
                    *word = block[index];
                }
                *word = W::xor(*word, W::gather(words));
            }
        }
    }
}

/// # Safety
/// As [`hash`].
#[inline(always)]
unsafe fn squeeze<W: Words<LANES>, const LANES: usize>(state: &[W; 25], lane: usize) -> B256 {
    let mut hash = B256::ZERO;
    for (bytes, word) in hash.as_chunks_mut::<8>().0.iter_mut().zip(state) {
        // SAFETY: as the caller's.
        *bytes = unsafe { W::spread(*word) }[lane].to_le_bytes();
    }
    hash
}

/// Keccak-f\[1600\] (FIPS 202, section 3). `state[x + 5 * y]` before and after; in between, rounds write where they read,
/// so that all fits the 32 registers of AVX-512: lanes come back to their places every fourth round.
///
/// # Safety
/// As [`hash`].
#[inline(always)]
unsafe fn permute<W: Words<LANES>, const LANES: usize>(state: &mut [W; 25]) {
    let mut a = *state;
    for constants in ROUNDS.as_chunks::<4>().0 {
        // SAFETY: as the caller's.
        unsafe {
            round::<W, LANES, 0>(&mut a, constants[0]);
            round::<W, LANES, 1>(&mut a, constants[1]);
            round::<W, LANES, 2>(&mut a, constants[2]);
            round::<W, LANES, 3>(&mut a, constants[3]);
        }
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

/// # Safety
/// As [`hash`].
#[inline(always)]
unsafe fn round<W: Words<LANES>, const LANES: usize, const DONE: usize>(
    a: &mut [W; 25],
    constant: u64,
) {
    // SAFETY: as the caller's.
    unsafe {
        let mut columns = [W::splat(0); 5];
        for (x, column) in columns.iter_mut().enumerate() {
            let upper = W::xor3(a[place(DONE, x, 0)], a[place(DONE, x, 1)], a[place(DONE, x, 2)]);
            *column = W::xor3(upper, a[place(DONE, x, 3)], a[place(DONE, x, 4)]);
        }
        let mut theta = columns;
        for (x, theta) in theta.iter_mut().enumerate() {
            *theta = W::xor(columns[(x + 4) % 5], W::rotate(columns[(x + 1) % 5], 1));
        }
        row::<W, LANES, DONE, 0>(a, &theta);
        row::<W, LANES, DONE, 1>(a, &theta);
        row::<W, LANES, DONE, 2>(a, &theta);
        row::<W, LANES, DONE, 3>(a, &theta);
        row::<W, LANES, DONE, 4>(a, &theta);
        a[0] = W::xor(a[0], W::splat(constant));
    }
}

/// The lanes that become row `Y`, one of each column.
///
/// # Safety
/// As [`hash`].
#[inline(always)]
unsafe fn row<W: Words<LANES>, const LANES: usize, const DONE: usize, const Y: usize>(
    a: &mut [W; 25],
    theta: &[W; 5],
) {
    // SAFETY: as the caller's.
    unsafe {
        let mut row = [W::splat(0); 5];
        for x in 0..5 {
            let from = (x + 2 * Y) % 5;
            let mixed = W::xor(a[place(DONE, x, from)], theta[x]);
            row[from] = W::rotate(mixed, ROTATIONS[x + 5 * from]);
        }
        for x in 0..5 {
            let (next, after) = (row[(x + 1) % 5], row[(x + 2) % 5]);
            a[place(DONE, x, x + 2 * Y)] = W::chi(row[x], next, after);
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{B256, keccak256};
    use proptest::{collection::vec, prelude::*};

    use super::{Words, by_eight, by_four, hash};

    /// Registers of any processor: what is not instructions is tested everywhere.
    #[derive(Clone, Copy)]
    struct Plain([u64; 8]);

    fn each(one: Plain, other: Plain, of: impl Fn(u64, u64) -> u64) -> Plain {
        Plain(std::array::from_fn(|lane| of(one.0[lane], other.0[lane])))
    }

    impl Words<8> for Plain {
        unsafe fn splat(word: u64) -> Self {
            Self([word; 8])
        }

        unsafe fn gather(words: [u64; 8]) -> Self {
            Self(words)
        }

        unsafe fn spread(self) -> [u64; 8] {
            self.0
        }

        unsafe fn and(self, other: Self) -> Self {
            each(self, other, |one, other| one & other)
        }

        unsafe fn xor(self, other: Self) -> Self {
            each(self, other, |one, other| one ^ other)
        }

        unsafe fn xor3(self, second: Self, third: Self) -> Self {
            each(each(self, second, |one, other| one ^ other), third, |one, other| one ^ other)
        }

        unsafe fn rotate(self, by: u32) -> Self {
            Self(self.0.map(|word| word.rotate_left(by)))
        }

        unsafe fn chi(self, next: Self, after: Self) -> Self {
            each(self, each(next, after, |next, after| !next & after), |one, other| one ^ other)
        }
    }

    proptest! {
        // Also where eight lanes are to be had, which are taken first there.
        #[test]
        fn each_number_of_lanes_hashes_as_one(inputs in vec(vec(any::<u8>(), 0..700), 0..30)) {
            let expected: Vec<B256> = inputs.iter().map(keccak256).collect();
            let inputs: Vec<_> = inputs.iter().map(Vec::as_slice).collect();
            // SAFETY: this needs no instructions that not every processor has.
            prop_assert_eq!(&unsafe { hash::<Plain, 8>(&inputs) }, &expected);
            if is_x86_feature_detected!("avx2") {
                // SAFETY: the processor was asked.
                prop_assert_eq!(&unsafe { by_four(&inputs) }, &expected);
            }
            if is_x86_feature_detected!("avx512f") {
                // SAFETY: the processor was asked.
                prop_assert_eq!(&unsafe { by_eight(&inputs) }, &expected);
            }
        }
    }
}
