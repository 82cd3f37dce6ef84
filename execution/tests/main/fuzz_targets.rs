//! The fuzz targets on their committed corpus. `cargo xtask fuzz` goes on from there.

#[path = "../../../fuzz/src/lib.rs"]
pub mod targets;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use recourse_execution::{Claim, payload::ProtocolFork, replay};

use crate::{fuzz_seeds, scene, settle::no_pointers};
use targets::{TARGETS, claims, input::Input, mutation, stateless, world};

/// Set by `cargo xtask fuzz --seeds`.
const WRITE: &str = "RECOURSE_WRITE_SEEDS";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("fuzz")
}

/// Every target on every file of its corpus, on all beginnings of a few, and on nothing.
#[test]
fn every_target_passes_its_corpus() {
    if env::var_os(WRITE).is_some() {
        fuzz_seeds::write(&folder());
        return;
    }
    for (name, run) in TARGETS {
        let mut files = 0;
        for entry in fs::read_dir(folder().join("corpus").join(name)).unwrap() {
            let seed = fs::read(entry.unwrap().path()).unwrap();
            run(&seed);
            (1..8).for_each(|part| run(&seed[..seed.len() * part / 8]));
            files += 1;
        }
        assert!(files > 1, "{name} has a corpus");
        run(&[]);
    }
}

#[test]
fn the_known_claims_are_true() {
    assert_eq!(world::SENDERS, std::array::from_fn(|index| scene::account(index as u8)));
    for (known, (name, _)) in claims::KNOWN.iter().zip(claims::FILES) {
        assert_eq!(known.pre, world::STATE.root(), "{name}");
        let trace = known.encoded_trace();
        let (pre, post, gas_used) = (known.pre, known.post, known.gas_used);
        let claim = Claim { pre, post, trace: &trace, gas_used };
        assert_eq!(replay(&claim, &world::SCHEDULE, &no_pointers), Ok(()), "{name}");
    }
    let gas = |name| {
        let at = claims::FILES.iter().position(|(file, _)| *file == name).unwrap();
        claims::KNOWN[at].gas_used
    };
    assert_eq!((gas("nothing"), gas("opening"), gas("transfer")), (0, 0, 21_000));
    assert!(gas("block") > 100_000);
}

/// A fuzzer that can't spoil anything would find nothing: most mutations make a claim false, and each kind does.
#[test]
fn mutations_spoil_claims() {
    for kind in 0..8_u8 {
        let mut falses = 0;
        for salt in 0..48_u8 {
            let bytes = [kind, salt.wrapping_mul(29), salt, salt, salt.wrapping_mul(5), 3, 9, 1];
            let known = &claims::KNOWN[usize::from(salt) % claims::KNOWN.len()];
            let mut claim = known.clone();
            let harm = mutation::mutate(&mut claim, &mut Input::new(&bytes));
            let trace = claim.encoded_trace();
            let (pre, post, gas_used) = (claim.pre, claim.post, claim.gas_used);
            let asked = Claim { pre, post, trace: &trace, gas_used };
            let says = replay(&asked, &world::SCHEDULE, &no_pointers);
            assert!(says.is_ok() || harm == mutation::Harm::Some);
            falses += u32::from(says.is_err());
        }
        assert_eq!(falses > 0, kind > 0, "kind {kind}");
    }
}

/// Should EXECUTE ever say yes to a wrong root, gas or digest, the target says so.
#[test]
fn a_wrong_yes_would_be_found() {
    let known = claims::KNOWN.last().unwrap();
    let found = |wrong: &claims::Known| {
        std::panic::catch_unwind(|| targets::execute::judge(wrong, &wrong.encoded_trace())).is_err()
    };
    assert!(!found(known));
    assert!(found(&claims::Known { post: known.pre, ..known.clone() }));
    assert!(found(&claims::Known { gas_used: 21_001, ..known.clone() }));
    let mut digest = known.clone();
    digest.trace.receiptDigestAfter = known.pre;
    assert!(found(&digest));
}

/// The same of whole blocks: what is not so with the whole state is found, and so is a block that does not follow.
#[test]
fn a_wrong_valid_would_be_found() {
    let (_, known) = ProtocolFork::decode_input(stateless::KNOWN_BYTES).unwrap();
    let found = |wrong: &recourse_execution::payload::StatelessInput| {
        std::panic::catch_unwind(|| stateless::judge(wrong)).is_err()
    };
    assert!(!found(&known));
    let mut root = known.clone();
    root.new_payload_request.execution_payload.state_root[3] ^= 1;
    assert!(found(&root));
    let mut parent = known;
    parent.new_payload_request.execution_payload.parent_hash[3] ^= 1;
    assert!(found(&parent));
}

/// Most ways to spoil the known input make it invalid, each by another reason than its hash alone.
#[test]
fn spoilt_blocks_are_refused_for_many_reasons() {
    let reasons: std::collections::BTreeSet<String> = (0..2_048_u32)
        .filter_map(|salt| {
            let bytes = alloy_primitives::keccak256(salt.to_be_bytes());
            let spoilt = stateless::spoilt(&mut Input::new(&bytes[..]));
            stateless::check(&spoilt).err().map(|why| why.to_string())
        })
        .collect();
    assert!(reasons.len() > 12, "{reasons:#?}");
}
