//! Inputs that keep precompiles busy.

use alloy_primitives::{B256, U256, hex};

use crate::scene;

/// Bytes that hashes work on.
const DATA: usize = 16 * 1024;

/// Names, precompiles, and their inputs.
pub fn all() -> Vec<(&'static str, u64, Vec<u8>)> {
    vec![
        ("ECRECOVER of garbage", 1, vec![0x1b; 128]),
        ("ECRECOVER", 1, ecrecover()),
        ("SHA256 of 16 KiB", 2, vec![7; DATA]),
        ("RIPEMD160 of 16 KiB", 3, vec![7; DATA]),
        ("IDENTITY of 16 KiB", 4, vec![7; DATA]),
        ("MODEXP of 128 bytes", 5, modexp(128, 128)),
        ("MODEXP of 1,024 bytes", 5, modexp(1_024, 1)),
        ("BN254 mul", 7, bn_mul()),
        ("BN254 pairing, 16 pairs", 8, bn_pairs(16)),
        ("BLAKE2F, 2^19 rounds", 9, blake2f(1 << 19)),
        ("BLAKE2F, 2^32 - 1 rounds", 9, blake2f(u32::MAX)),
        ("point evaluation, garbage", 10, vec![7; 192]),
        ("BLS12 G1 MSM, 64 points", 12, bls_msm(64, &G1)),
        ("BLS12 G2 MSM, 32 points", 14, bls_msm(32, &G2)),
        ("BLS12 pairing, 16 pairs", 15, [&G1[..], &G2[..]].concat().repeat(16)),
        ("BLS12 map to G2", 17, vec![0; 128]),
        ("P256 of garbage", 0x100, vec![1; 160]),
    ]
}

fn modexp(len: usize, exponent: usize) -> Vec<u8> {
    let lengths = [len, exponent, len].map(|len| U256::from(len).to_be_bytes::<32>());
    [lengths.concat(), vec![0xff; 2 * len + exponent]].concat()
}

fn bn_mul() -> Vec<u8> {
    let words = [U256::from(1), U256::from(2), U256::MAX];
    words.map(|word| word.to_be_bytes::<32>()).concat()
}

/// Pairs of the generators of BN254's groups.
pub fn bn_pairs(pairs: usize) -> Vec<u8> {
    let g1 = [U256::from(1), U256::from(2)].map(|word| word.to_be_bytes::<32>()).concat();
    [&g1[..], &BN_G2].concat().repeat(pairs)
}

fn blake2f(rounds: u32) -> Vec<u8> {
    let mut input = vec![3; 213];
    input[..4].copy_from_slice(&rounds.to_be_bytes());
    input[212] = 1;
    input
}

/// A valid signature, of a hash that nobody knows.
fn ecrecover() -> Vec<u8> {
    use alloy::signers::SignerSync;
    let hash = B256::repeat_byte(0x5e);
    let signature = scene::key(0).sign_hash_sync(&hash).unwrap();
    let v = U256::from(27 + u8::from(signature.v()));
    let words = [U256::from_be_bytes(hash.0), v, signature.r(), signature.s()];
    words.map(|word| word.to_be_bytes::<32>()).concat()
}

/// Copies of a generator, each with the largest scalar.
pub fn bls_msm(points: usize, generator: &[u8]) -> Vec<u8> {
    [generator, &[0xff; 32][..]].concat().repeat(points)
}

/// The generator of BLS12-381's G1, as EIP-2537 encodes it.
pub const G1: [u8; 128] = hex!(
    "0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
    "0000000000000000000000000000000008b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1"
);

/// The generator of BLS12-381's G2, as EIP-2537 encodes it.
pub const G2: [u8; 256] = hex!(
    "00000000000000000000000000000000024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"
    "0000000000000000000000000000000013e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"
    "000000000000000000000000000000000ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801"
    "000000000000000000000000000000000606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79be"
);

/// The generator of BN254's G2, as EIP-197 encodes it.
const BN_G2: [u8; 128] = hex!(
    "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c21800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
    "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
);
