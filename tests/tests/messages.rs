//! A message from L1 to L2 without the rollup's help: L2 knows hashes of L1's blocks, so anything in L1's state can be proven there.

use alloy::{
    eips::BlockId,
    network::TransactionBuilder,
    providers::Provider,
    rpc::types::TransactionRequest,
    sol_types::{SolCall, SolError},
};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::{SolValue, sol};
use recourse_tests::{
    Network, NetworkOptions, PATIENCE, Role, Wallet, create, refusal,
    traffic::{create_notebook, transfer, write},
    wait_for,
};

use crate::network::executable;

sol! {
    #[derive(Debug)]
    struct Message { uint256 nonce; address sender; address target; uint64 gasLimit; bytes data; }
    #[derive(Debug)]
    struct L1Proof { uint256 timestamp; bytes header; bytes[] accountProof; bytes[] storageProof; }

    interface IL1Mailbox {
        event Sent(bytes32 indexed hash, Message message);
        function send(address target, uint64 gasLimit, bytes calldata data) external returns (bytes32 hash);
    }

    interface IL2Mailbox {
        event Delivered(bytes32 indexed hash, address indexed target, uint256 l1Number, uint256 l1Timestamp);
        error AlreadyDelivered(bytes32 hash);
        error WrongHeader(bytes32 expected, bytes32 got);
        error NotEnoughGas(uint256 left, uint256 needed);
        error NobodyReads(address target);
        function deliver(Message calldata message, L1Proof calldata proof) external;
    }
}

/// Gas of L2 that a message promises its target: more than all of its delivery takes.
const GAS_LIMIT: u64 = 1_000_000;

fn code(artifact: &str) -> Vec<u8> {
    let artifact: serde_json::Value = serde_json::from_str(artifact).unwrap();
    artifact["bytecode"].as_str().unwrap().parse::<Bytes>().unwrap().to_vec()
}

/// Waits for an L2 block that knows an L1 block as new as `l1_block`; gives its timestamp and the L1 block's hash.
async fn block_that_knows(l1: &Wallet, l2: &Wallet, l1_block: u64) -> (u64, B256) {
    wait_for("an L2 block that knows of the message", PATIENCE, || async {
        // Blocks are made of transactions, and views are recorded with batches of blocks.
        l2.send(transfer(Address::repeat_byte(1), 1)).await?;
        let head = l2.provider().get_block(BlockId::latest()).await?.unwrap().header;
        let anchor = head.parent_beacon_block_root.unwrap();
        let known = l1.provider().get_block_by_hash(anchor).await?.unwrap().header;
        Ok((known.number >= l1_block).then_some((head.timestamp, anchor)))
    })
    .await
    .unwrap()
}

/// Writes a message on L1; gives it and its block.
async fn written(l1: &Wallet, mailbox: Address, call: &IL1Mailbox::sendCall) -> (Message, u64) {
    let receipt = l1.transact(mailbox, call, U256::ZERO).await.unwrap();
    let message = receipt.decoded_log::<IL1Mailbox::Sent>().unwrap().data.message;
    (message, receipt.block_number.unwrap())
}

async fn proof(
    l1: &Wallet,
    mailbox: Address,
    message: B256,
    (timestamp, anchor): (u64, B256),
) -> L1Proof {
    let header = l1.provider().get_block_by_hash(anchor).await.unwrap().unwrap().header;
    let slot = keccak256((message, U256::ZERO).abi_encode());
    let proof = l1.provider().get_proof(mailbox, vec![slot]).number(header.number).await.unwrap();
    L1Proof {
        timestamp: U256::from(timestamp),
        header: alloy_rlp::encode(&header.inner).into(),
        accountProof: proof.account_proof,
        storageProof: proof.storage_proof[0].proof.clone(),
    }
}

#[tokio::test]
async fn what_stands_in_an_l1_contract_is_proven_on_l2() {
    proven_on_l2(NetworkOptions::default()).await;
}

pub(crate) async fn proven_on_l2(options: NetworkOptions) {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::start(executable(), folder.path(), &options).await.unwrap();
    let proposer = network.proposer("proposer", Role::Proposer).await.unwrap();
    let l1 = network.l1_wallet(Role::User).unwrap();
    let l2 = Wallet::connect(&proposer.url(), Role::User.signer().unwrap()).unwrap();
    let on_l1 = code(include_str!("../../contracts/artifacts/examples/L1Mailbox.json"));
    let on_l2 = code(include_str!("../../contracts/artifacts/examples/L2Mailbox.json"));
    let mailbox = create(&l1, on_l1.into()).await.unwrap();
    let reader = create(&l2, [on_l2, mailbox.abi_encode()].concat().into()).await.unwrap();
    let (notebook, _) = create_notebook(&l2).await.unwrap();

    // "Write 9 to slot 5", and something for an account that nobody reads at.
    let data = write(notebook, 5, 9).input.input().unwrap().clone();
    let send = |target, data| IL1Mailbox::sendCall { target, gasLimit: GAS_LIMIT, data };
    let (lost, _) = written(&l1, mailbox, &send(Address::repeat_byte(2), data.clone())).await;
    let (message, block) = written(&l1, mailbox, &send(notebook, data)).await;
    let hash = keccak256(message.abi_encode());
    let known = block_that_knows(&l1, &l2, block).await;

    let nobody = IL2Mailbox::NobodyReads { target: lost.target };
    let hash_of_lost = keccak256(lost.abi_encode());
    let proof_of_lost = proof(&l1, mailbox, hash_of_lost, known).await;
    let call = IL2Mailbox::deliverCall { message: lost, proof: proof_of_lost };
    let error = l2.ask(reader, &call).await.map(drop).unwrap_err();
    assert_eq!(refusal(&error).unwrap(), Bytes::from(nobody.abi_encode()));

    // A header that L2 does not know, as good as any otherwise.
    let proof = proof(&l1, mailbox, hash, known).await;
    let call = IL2Mailbox::deliverCall { message, proof };
    let mut forged = call.clone();
    let mut header = forged.proof.header.to_vec();
    header[100] ^= 1;
    forged.proof.header = header.into();
    let error = l2.ask(reader, &forged).await.map(drop).unwrap_err();
    assert_eq!(refusal(&error).unwrap()[..4], IL2Mailbox::WrongHeader::SELECTOR);

    // Enough gas for all that happens, but not for what the target was promised.
    let deliver = |gas| {
        let tx = TransactionRequest::default().with_to(reader).with_gas_limit(gas);
        tx.with_input(call.abi_encode())
    };
    let error = l2.provider().call(deliver(GAS_LIMIT)).await.map(drop).unwrap_err();
    let reason = error.as_error_resp().and_then(|error| error.as_revert_data()).unwrap();
    assert_eq!(reason[..4], IL2Mailbox::NotEnoughGas::SELECTOR);
    assert!(!l2.send(deliver(GAS_LIMIT)).await.unwrap().status());

    let receipt = l2.transact(reader, &call, U256::ZERO).await.unwrap();
    println!("a message delivered on L2: {} gas", receipt.gas_used);
    assert!(receipt.gas_used < GAS_LIMIT, "or the starved one proved nothing");
    let written = l2.provider().get_storage_at(notebook, U256::from(5)).await.unwrap();
    assert_eq!(written, U256::from(9));
    // It says which L1 block it was proven in.
    let proven = l1.provider().get_block_by_hash(known.1).await.unwrap().unwrap().header;
    let delivered = receipt.decoded_log::<IL2Mailbox::Delivered>().unwrap().data;
    let expected = (U256::from(proven.number), U256::from(proven.timestamp));
    assert_eq!((delivered.l1Number, delivered.l1Timestamp), expected);

    let error = l2.ask(reader, &call).await.map(drop).unwrap_err();
    let expected = IL2Mailbox::AlreadyDelivered { hash }.abi_encode();
    assert_eq!(refusal(&error).unwrap(), Bytes::from(expected));
    assert!(!l2.send(deliver(2_000_000)).await.unwrap().status());
}
