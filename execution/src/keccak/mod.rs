//! `keccak256` of many byte strings.
//!
//! With AVX-512 eight of them are hashed side by side, with AVX2 four, which takes less time than one after the other;
//! elsewhere they are hashed one by one. Which way it goes changes nothing but the time: the tests hold the ways against each
//! other.

#[cfg(target_arch = "x86_64")]
mod lanes;
#[cfg(target_arch = "x86_64")]
mod words;

use alloy_primitives::{B256, keccak256};

/// The hashes of `inputs`, in their order.
pub(crate) fn keccak256_all(inputs: &[&[u8]]) -> Vec<B256> {
    #[cfg(target_arch = "x86_64")]
    if let Some(hashes) = lanes::keccak256_all(inputs) {
        return hashes;
    }
    inputs.iter().map(keccak256).collect()
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
