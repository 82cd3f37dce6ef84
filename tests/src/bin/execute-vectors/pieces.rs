//! Pieces whose transactions are part of the block.

use alloy_primitives::{Address, B256, Bytes, U256, address};
use recourse_protocol::{
    TxPosition,
    bindings::{BlockContext, Credit},
};
use revm::bytecode::opcode as op;

use crate::{
    contracts::{self, Code},
    piece::{Expect, Piece},
    scene::{
        self, CALLER, CODE_READER, DESTROYER, HASHER, LOGGER, LONG, LOOPER, NOBODY, OBSERVER,
        REVERTER, STORER, account, block, probe,
    },
    transactions::{
        call, create, delegation, legacy, sign, transfer, tx, with_access_list, words, writes,
    },
};

const PARENT: B256 = B256::repeat_byte(0x0a);
const ANCHOR: B256 = B256::repeat_byte(0x0b);

/// All of them.
pub(crate) fn all() -> eyre::Result<Vec<Piece>> {
    let lists = [
        whole()?,
        kinds()?,
        storage()?,
        calls()?,
        sights()?,
        probes()?,
        creations()?,
        delegations()?,
        limits()?,
    ];
    Ok(lists.into_iter().flatten().collect())
}

fn credit(to: Address, gwei: u64) -> Credit {
    Credit { to, amountGwei: gwei }
}

/// Openings, seals, and pieces with several parts.
fn whole() -> eyre::Result<Vec<Piece>> {
    let (one, two) = (account(1)?, account(2)?);
    let send = |nonce, to| sign(0, transfer(nonce, to, 77));
    Ok(vec![
        Piece::new("nothing", "neither opens nor seals, no transactions: true for any root"),
        Piece::new("open", "the two system calls of an opening").opens(PARENT, ANCHOR),
        Piece::new("seal-without-credits", "a seal changes nothing by itself").seals(vec![]),
        Piece::new(
            "seal",
            "credits to an account, to one that is not there, twice to the same; \
                            and of nothing, which makes no account",
        )
        .seals(vec![
            credit(one, 5),
            credit(NOBODY, 1),
            credit(one, u64::MAX),
            credit(Address::ZERO, 0),
        ]),
        Piece::new("seal-on-empty-root", "the first account of a state without any; no witness")
            .on("empty")
            .seals(vec![credit(NOBODY, 3)]),
        Piece::new("several", "three transactions, of which the second is invalid")
            .runs(send(0, one)?, Expect::Success)
            .runs(send(0, one)?, Expect::NoOp)
            .runs(send(1, two)?, Expect::Success),
        Piece::new("block", "a whole block: opening, transactions, seal")
            .opens(PARENT, ANCHOR)
            .runs(send(0, NOBODY)?, Expect::Success)
            .runs(sign(1, call(0, STORER, writes(&[(1, 0), (50, 3)])))?, Expect::Success)
            .runs(sign(0, call(1, REVERTER, Bytes::new()))?, Expect::Failure)
            .seals(vec![credit(two, 10), credit(NOBODY, 20)]),
        Piece {
            position: TxPosition {
                gas_used_before: 29_000_000,
                receipt_digest_before: B256::repeat_byte(5),
            },
            block: BlockContext { gasLimit: 30_000_000, ..block() },
            ..Piece::new(
                "later",
                "a transaction that takes all that is left of the block: its \
                                   receipt has the block's gas",
            )
        }
        .runs(send(0, one)?, Expect::Success),
    ])
}

/// Kinds of transactions.
fn kinds() -> eyre::Result<Vec<Piece>> {
    let one = account(1)?;
    let mut no_tip = transfer(0, one, 1);
    no_tip.max_priority_fee_per_gas = 0;
    let own = BlockContext { coinbase: account(0)?, ..block() };
    Ok(vec![
        Piece::new("transfer", "type 2").runs(sign(0, transfer(0, one, 77))?, Expect::Success),
        Piece::new("legacy", "type 0 with EIP-155, to an account that is not there")
            .runs(sign(0, legacy(Some(7_777), NOBODY))?, Expect::Success),
        Piece::new("legacy-unprotected", "type 0 without a chain id is valid")
            .runs(sign(0, legacy(None, one))?, Expect::Success),
        Piece::new("access-list", "type 1; what is warmed only is not used")
            .runs(sign(0, with_access_list(one))?, Expect::Success),
        Piece::new("no-tip", "the coinbase gets nothing and so does not come to be")
            .runs(sign(0, no_tip)?, Expect::Success),
        Piece { block: own, ..Piece::new("own-coinbase", "the sender is the coinbase") }
            .runs(sign(0, transfer(0, one, 1))?, Expect::Success),
        Piece::new("lonely", "the sender is the only account: the root is a leaf that forks")
            .on("lonely")
            .runs(sign(0, transfer(0, NOBODY, 1))?, Expect::Success),
        Piece::new(
            "all-value",
            "value and the most that the fee can be are all that the sender has",
        )
        .runs(
            sign(0, {
                let mut all = tx(0, one.into());
                all.gas_limit = 21_000;
                let fee = U256::from(21_000).saturating_mul(U256::from(all.max_fee_per_gas));
                all.value = U256::from(10).pow(U256::from(20)).saturating_sub(fee);
                all
            })?,
            Expect::Success,
        ),
    ])
}

fn storage() -> eyre::Result<Vec<Piece>> {
    let run = |name, description, pairs: &[(u64, u64)]| -> eyre::Result<Piece> {
        let raw = sign(0, call(0, STORER, writes(pairs)))?;
        Ok(Piece::new(name, description).runs(raw, Expect::Success))
    };
    let all: Vec<_> = (0..8).map(|slot| (slot, 0)).collect();
    let all_but_one = all.get(1..).unwrap_or_default();
    Ok(vec![
        run(
            "storage",
            "inserts, updates and deletes: inserts come first",
            &[(0, 0), (1, 0), (2, 99), (100, 1), (101, 2), (3, 0)],
        )?,
        run("storage-delete", "one slot is deleted", &[(5, 0)])?,
        run(
            "storage-collapse",
            "all slots but one are deleted: branches collapse until the root \
                                 is a leaf",
            all_but_one,
        )?,
        run(
            "storage-clear",
            "all slots are deleted: the empty root, and the largest refund",
            &all,
        )?,
        run(
            "storage-unchanged",
            "a slot gets the value that it has, and one goes there and back",
            &[(1, 2), (2, 50), (2, 3)],
        )?,
    ])
}

fn calls() -> eyre::Result<Vec<Piece>> {
    let run = |name, description, to, input, expect| -> eyre::Result<Piece> {
        Ok(Piece::new(name, description).runs(sign(0, call(0, to, input))?, expect))
    };
    let ok = Expect::Success;
    Ok(vec![
        run(
            "revert",
            "pays for its gas, changes nothing else",
            REVERTER,
            Bytes::new(),
            Expect::Failure,
        )?,
        run(
            "logs",
            "a receipt with logs and their bloom",
            LOGGER,
            Bytes::from_static(b"input"),
            ok,
        )?,
        run("loop", "runs out of its 1,000,000 gas", LOOPER, Bytes::new(), Expect::Failure)?,
        run(
            "self-destruct",
            "of a contract that was not created now: it only pays out",
            DESTROYER,
            Bytes::new(),
            ok,
        )?,
    ])
}

/// What calls see of the block and of other accounts.
fn sights() -> eyre::Result<Vec<Piece>> {
    let run = |name, description, to, input| -> eyre::Result<Piece> {
        Ok(Piece::new(name, description).runs(sign(0, call(0, to, input))?, Expect::Success))
    };
    let ask = words([299, 298, 44, 43, 300, 301].map(U256::from));
    let execute = address!("0x0000000000000000000000000000000000000101");
    let sha256 = Address::with_last_byte(2);
    Ok(vec![
        run(
            "block-hashes",
            "distances 1, 2, 256 are read from the EIP-2935 contract; 257, 0 and \
                             -1 are zero and read nothing",
            HASHER,
            ask,
        )?
        .on("history"),
        run("environment", "BLOBBASEFEE is 1, 0x0101 has no code", OBSERVER, Bytes::new())?,
        run(
            "execute-on-l2",
            "a call of 0x0101 is one of an empty account",
            execute,
            Bytes::from_static(&[1; 64]),
        )?,
        run(
            "precompile",
            "a precompile's account is read as any other",
            sha256,
            Bytes::from_static(b"abc"),
        )?,
        run(
            "nested",
            "calls that revert and log, a balance, the gas left: what is used in a \
                       reverted frame counts",
            CALLER,
            Bytes::new(),
        )?,
        run(
            "code-sizes",
            "codes are read whole for their size, each once",
            CODE_READER,
            words([LONG, LONG, STORER, NOBODY].map(|at| at.into_word().into())),
        )?,
    ])
}

/// A constructor that calls each probe with `less` gas less than it needs.
fn probing(name: &'static str, description: &'static str, less: u64) -> eyre::Result<Piece> {
    let each = |code: Code, (index, (_, gas)): (u8, (Bytes, u64))| {
        code.call(probe(index), gas.saturating_sub(less))
    };
    let init = (0..).zip(scene::probes()?).fold(Code::new(), each).ops(&[op::STOP]).build();
    let raw = sign(0, create(0, init))?;
    Ok(Piece::new(name, description).on("probes").runs(raw, Expect::Success))
}

fn probes() -> eyre::Result<Vec<Piece>> {
    Ok(vec![
        probing(
            "paid",
            "BALANCE, EXTCODESIZE, SLOAD, SSTORE, CALL, SELFDESTRUCT and a CALL of a delegated account, each cold and \
             with just the gas to read: the witness has what they read, though most then fail",
            0,
        )?,
        probing(
            "unpaid",
            "the same with a unit of gas less each: nothing is read but the delegated account and its code",
            1,
        )?,
    ])
}

fn creations() -> eyre::Result<Vec<Piece>> {
    let run = |name, description, init, expect| -> eyre::Result<Piece> {
        Ok(Piece::new(name, description).runs(sign(0, create(0, init))?, expect))
    };
    let ends = Code::new().store(1, 5).address(account(2)?).ops(&[op::SELFDESTRUCT]).build();
    let child = Code::new().store(1, 5).ops(&[op::STOP]).deployer();
    let word = U256::from_be_slice(&child)
        .checked_shl(256_usize.saturating_sub(child.len().saturating_mul(8)));
    let parent = Code::new()
        .ops(&[op::PUSH32])
        .ops(&word.unwrap_or_default().to_be_bytes::<32>())
        .ops(&[op::PUSH0, op::MSTORE])
        .push(u64::try_from(child.len())?)
        .ops(&[op::PUSH0, op::PUSH0, op::CREATE])
        .ops(&[op::PUSH0; 5])
        .ops(&[op::DUP6, op::GAS, op::CALL, op::STOP])
        .build();
    let made = account(0)?.create(0).create(1);
    let nested = run(
        "create-in-create",
        "a constructor creates a contract and calls it: its code \
                      and slots are not in the state before, so they are no use",
        parent,
        Expect::Success,
    )?;
    Ok(vec![
        run(
            "create",
            "a contract of two writes",
            Code::new().store(1, 5).store(2, 6).deployer(),
            Expect::Success,
        )?,
        run(
            "create-reverts",
            "the constructor reverts: only nonce and fee remain",
            contracts::reverter(),
            Expect::Failure,
        )?,
        run(
            "create-invalid",
            "an invalid instruction takes all gas",
            Bytes::from_static(&[op::INVALID]),
            Expect::Failure,
        )?,
        run(
            "create-and-destruct",
            "SELFDESTRUCT in the creating transaction: nothing stays",
            ends,
            Expect::Success,
        )?,
        Piece { makes: vec![made], ..nested },
    ])
}

fn delegations() -> eyre::Result<Vec<Piece>> {
    let write = writes(&[(5, 6)]);
    let set = delegation(1, 0, STORER, write.clone())?;
    let mut bad = delegation(1, 0, STORER, Bytes::new())?;
    bad.authorization_list.extend(delegation(2, 9, STORER, Bytes::new())?.authorization_list);
    bad.authorization_list.extend(delegation(1, 0, LOGGER, Bytes::new())?.authorization_list);
    let ok = Expect::Success;
    Ok(vec![
        Piece::new("delegation", "type 4: an account gets a delegate and is called")
            .runs(sign(0, set)?, ok),
        Piece::new("delegation-skipped", "authorizations with wrong nonces are skipped")
            .runs(sign(0, bad)?, ok),
        Piece::new("delegation-ends", "to the zero address: the code goes")
            .on("delegated")
            .runs(sign(0, delegation(1, 1, Address::ZERO, Bytes::new())?)?, ok),
        Piece::new("delegated-call", "the delegate's code runs in the account's storage")
            .on("delegated")
            .runs(sign(0, call(0, account(1)?, write))?, ok),
        Piece::new("delegated-sender", "an account with a delegate may send: its code is read")
            .on("delegated")
            .runs(sign(1, transfer(1, account(2)?, 1))?, ok),
    ])
}

/// The provability rule.
fn limits() -> eyre::Result<Vec<Piece>> {
    let reads =
        sign(0, call(0, CODE_READER, words([LONG, STORER].map(|at| at.into_word().into()))))?;
    let deletes = sign(0, call(0, STORER, writes(&[(5, 0), (6, 0)])))?;
    let set = sign(0, delegation(1, 0, STORER, Bytes::new())?)?;
    let of = |name, description, raw: &Bytes, expect| {
        Piece::new(name, description).runs(raw.clone(), expect)
    };
    let free = of("", "", &reads, Expect::Success).bytes_used()?;
    let free_delete = of("", "", &deletes, Expect::Success).bytes_used()?;
    let sent = sign(0, transfer(0, account(2)?, 1))?;
    let delegated = sign(1, transfer(1, account(2)?, 1))?;
    let free_sent = of("", "", &sent, Expect::Success).bytes_used()?;
    let free_delegated = of("", "", &delegated, Expect::Success).on("delegated").bytes_used()?;
    let less = Expect::Exhausted;
    Ok(vec![
        of("limit-exact", "uses exactly maxWitnessBytes", &reads, Expect::Success).limited(free),
        of("limit-transfer-exact", "a transfer uses exactly the limit", &sent, Expect::Success)
            .limited(free_sent),
        of("limit-transfer", "a byte less", &sent, less).limited(free_sent.saturating_sub(1)),
        of("limit-delegated-exact", "the sender's code counts", &delegated, Expect::Success)
            .on("delegated")
            .limited(free_delegated),
        of("limit-delegated", "a byte less", &delegated, less)
            .on("delegated")
            .limited(free_delegated.saturating_sub(1)),
        of("limit-code", "a byte less: the last code is one too much", &reads, less)
            .limited(free.saturating_sub(1)),
        of(
            "limit-collapse",
            "a byte less: the sibling that the last deletion collapses is too much",
            &deletes,
            less,
        )
        .limited(free_delete.saturating_sub(1)),
        of("limit-zero", "the coinbase is already too much; the fee is still taken", &reads, less)
            .limited(0),
        of("limit-delegation", "an exhausted transaction leaves no delegation", &set, less)
            .limited(0),
        Piece::new("limit-exempt", "openings and credits are exempt")
            .limited(0)
            .opens(PARENT, ANCHOR)
            .seals(vec![credit(NOBODY, 1)]),
    ])
}
