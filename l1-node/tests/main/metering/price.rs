//! The price, block by block.

use alloy::providers::Provider;
use alloy_primitives::Bytes;

use super::{
    callers::{Called, EXECUTE, Scene, event, nonsense, once, price_and_left},
    model::{self, EXCESS_MAX, LIMIT, TARGET},
};

async fn base_fee(scene: &Scene, number: u64) -> u64 {
    let block = scene.net.provider.get_block_by_number(number.into()).await.unwrap().unwrap();
    block.header.base_fee_per_gas.unwrap()
}

/// Mines a block in which a query and then a call that declares `gas` are, and checks what both
/// cost and tell when the blocks before have left `excess`. The excess after it.
async fn block(scene: &Scene, overhead: u64, excess: u64, gas: u64) -> u64 {
    assert_eq!(scene.excess().await, excess);
    let txs = [Bytes::new(), nonsense(gas), Bytes::new()];
    let receipts = scene.mine(txs.map(|input| scene.to_caller(&once(input))).to_vec()).await;
    let base_fee = base_fee(scene, receipts[0].block_number.unwrap()).await;
    let told: Vec<Called> = receipts.iter().map(event).collect();
    assert_eq!(told[1].spent.to::<u64>(), model::nonsense(excess, gas) + overhead);
    // Within a block the price stands.
    for (query, left) in [(&told[0], LIMIT), (&told[2], LIMIT - gas)] {
        assert_eq!(price_and_left(&query.answer), (model::gas_price(excess, base_fee), left));
    }
    let excess = model::next_excess(excess, gas);
    assert_eq!(scene.excess().await, excess);
    excess
}

#[tokio::test]
async fn the_excess_follows_what_blocks_declare() {
    let scene = Scene::new().await;
    let overhead = scene.overhead().await;
    let mut excess = 0;
    let declared = [
        0,
        TARGET,
        TARGET + 1,
        1,
        TARGET - 1,
        LIMIT,
        LIMIT,
        TARGET,
        21_000,
        LIMIT - 1,
        0,
        TARGET,
        LIMIT,
    ];
    for gas in declared {
        excess = block(&scene, overhead, excess, gas).await;
    }
    assert_eq!(excess, 83_907_079);
}

#[tokio::test]
async fn the_price_is_exact_everywhere_between_its_bounds() {
    let scene = Scene::new().await;
    let overhead = scene.overhead().await;
    for excess in [1, 13, 1_000_000, 213_662_000, 400_000_001, EXCESS_MAX - 1, EXCESS_MAX] {
        for gas in [1, 3, 5, 16_777_213] {
            scene.set_excess(excess).await;
            block(&scene, overhead, excess, gas).await;
        }
    }
}

#[tokio::test]
async fn an_excess_above_the_greatest_is_the_greatest() {
    // No block makes one; whoever edits a dev chain may.
    let scene = Scene::new().await;
    let overhead = scene.overhead().await;
    scene.set_excess(u64::MAX).await;
    let told = scene.once(nonsense(LIMIT)).await;
    assert_eq!(told.spent.to::<u64>(), model::nonsense(EXCESS_MAX, LIMIT) + overhead);
    assert_eq!(scene.excess().await, EXCESS_MAX);
}

#[tokio::test]
async fn a_price_of_a_fraction_of_a_wei_is_told_as_one() {
    let scene = Scene::new().await;
    scene.net.call("anvil_setNextBlockBaseFeePerGas", serde_json::json!(["0x7"])).await;
    let told = scene.once(Bytes::new()).await;
    assert_eq!(price_and_left(&told.answer).0, model::gas_price(0, 7));
    assert_eq!(price_and_left(&told.answer).0.to::<u64>(), 1);
}

/// Fills blocks until the rate stands still; how many that took.
async fn spam(scene: &Scene) -> u64 {
    let mut excess = scene.excess().await;
    let mut blocks = 0;
    while model::r(excess) < 1 << 28 {
        let tx = scene.request(1, EXECUTE, nonsense(LIMIT));
        let intrinsic = {
            let input = nonsense(LIMIT);
            let zeros = input.iter().filter(|byte| **byte == 0).count() as u64;
            21_000 + 4 * zeros + 16 * (input.len() as u64 - zeros)
        };
        let receipt = &scene.mine(vec![tx]).await[0];
        assert!(receipt.status());
        assert_eq!(receipt.gas_used, intrinsic + model::nonsense(excess, LIMIT));
        excess = model::next_excess(excess, LIMIT);
        assert_eq!(scene.excess().await, excess);
        blocks += 1;
    }
    blocks
}

#[tokio::test]
async fn a_spammer_drives_the_price_to_its_bound_and_it_comes_down_again() {
    let scene = Scene::new().await;
    let overhead = scene.overhead().await;
    assert_eq!(spam(&scene).await, 24, "24 full blocks from 1/64 to 1/4");
    assert_eq!(scene.excess().await, EXCESS_MAX);

    // The greatest step still fits one transaction, and costs a quarter of its gas.
    let told = scene.once(nonsense(1 << 24)).await;
    assert!(told.success);
    assert_eq!(told.spent.to::<u64>(), 30_000 + (1 << 22) + overhead);
    // More spam does not raise it further, so it does not last longer either.
    for _ in 0..3 {
        let spam = scene.request(1, EXECUTE, nonsense(LIMIT));
        assert!(scene.mine(vec![spam]).await[0].status());
        assert_eq!(scene.excess().await, EXCESS_MAX);
    }
    // Blocks at the target hold it.
    scene.once(nonsense(TARGET)).await;
    assert_eq!(scene.excess().await, EXCESS_MAX);

    scene.net.call("anvil_mine", serde_json::json!(["0x46"])).await;
    assert_eq!(scene.excess().await, EXCESS_MAX - 70 * TARGET);
    scene.net.call("evm_mine", serde_json::json!([])).await;
    assert_eq!(scene.excess().await, 0, "71 empty blocks from 1/4 to 1/64");
    let told = scene.once(nonsense(LIMIT)).await;
    assert_eq!(told.spent.to::<u64>(), 30_000 + LIMIT / 64 + overhead);
}
