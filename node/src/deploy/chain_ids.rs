//! Chain ids that a rollup must not have. A signed transaction names a chain id and a nonce, and no rollup: it is valid on every
//! chain where both fit, and on L2 anybody can force it.

use super::DeployError;

/// The chain id of L2 unless another one is chosen: for development, since every rollup that keeps it has it.
pub const DEFAULT_L2_CHAIN_ID: u64 = 8079;
/// L1s on which nothing has value: `l1-node`, Anvil and Hardhat (31,337), `geth --dev` (1,337).
pub const DEV_CHAIN_IDS: [u64; 2] = [31_337, 1_337];

/// Checks the chain id of an L2 that is to be deployed on an L1.
///
/// # Errors
/// [`DeployError::ChainId`] for zero, for L1's own, and for the default on an L1 that is not for development.
pub(super) fn check(l2: u64, l1: u64) -> Result<(), DeployError> {
    let refuse = |expected: String| Err(DeployError::ChainId { expected, got: l2 });
    if l2 == 0 {
        refuse("at least 1".to_owned())
    } else if l2 == l1 {
        refuse(format!("another one than L1's {l1}"))
    } else if is_default(l2, l1) {
        refuse(format!("one that no other chain has (--l2-chain-id) on L1 {l1}"))
    } else {
        Ok(())
    }
}

/// Whether the L2 has the default on an L1 where that matters.
pub(super) fn is_default(l2: u64, l1: u64) -> bool {
    l2 == DEFAULT_L2_CHAIN_ID && !DEV_CHAIN_IDS.contains(&l1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_for_development() {
        for l1 in DEV_CHAIN_IDS {
            check(DEFAULT_L2_CHAIN_ID, l1).unwrap();
        }
        let error = check(DEFAULT_L2_CHAIN_ID, 1).unwrap_err().to_string();
        assert_eq!(
            error,
            "l2-chain-id: expected one that no other chain has (--l2-chain-id) on L1 1, got 8079"
        );
        check(8080, 1).unwrap();
    }

    #[test]
    fn no_l2_has_the_chain_id_of_its_l1() {
        for l1 in [1, 31_337, 8079] {
            let error = check(l1, l1).unwrap_err().to_string();
            let expected = format!("l2-chain-id: expected another one than L1's {l1}, got {l1}");
            assert_eq!(error, expected);
        }
        assert!(matches!(check(0, 1), Err(DeployError::ChainId { got: 0, .. })));
    }
}
