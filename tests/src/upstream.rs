//! A chain to fork: Anvil, with contracts and history on it before this project came.

use std::path::Path;

use alloy::{
    network::TransactionBuilder as _, providers::Provider as _, rpc::types::TransactionRequest,
};
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::{SolCall as _, SolValue as _, sol};
use eyre::OptionExt as _;
use serde_json::{Value, json};

use crate::{Role, Wallet, anvil::Anvil, create};

sol! {
    /// A token like Tether's: six decimals, and no answers.
    #[allow(missing_docs, reason = "ERC-20's own words")]
    interface ITetherLike {
        function approve(address spender, uint256 amount) external;
        function transfer(address to, uint256 amount) external;
        function balanceOf(address who) external view returns (uint256);
    }
}

/// Smallest units of the token that the user owns from the start: a million tokens.
const SUPPLY: u64 = 1_000_000_000_000;
/// Transfers that happened before the fork.
const TRANSFERS: u64 = 20;
/// Blocks without transactions, and seconds from one to the next.
const EMPTY_BLOCKS: (u64, u64) = (30, 12);

/// Anvil with a token on it, which has moved a bit.
#[derive(Debug)]
pub struct Upstream {
    anvil: Anvil,
    token: Address,
}

impl Upstream {
    /// Starts it and puts the history on it.
    ///
    /// # Errors
    /// When it does not start, or refuses something.
    pub async fn start(program: &Path) -> eyre::Result<Self> {
        let anvil = Anvil::start(program, &["--hardfork", "osaka"]).await?;
        let deployer = Wallet::connect(anvil.url(), Role::Deployer.signer()?)?;
        let user = Wallet::connect(anvil.url(), Role::User.signer()?)?;
        let token = create(&deployer, token_code(user.address())?).await?;
        for index in 0..TRANSFERS {
            let to = Address::left_padding_from(&index.saturating_add(0xabcd).to_be_bytes());
            let call = ITetherLike::transferCall { to, amount: U256::from(index) }.abi_encode();
            user.send(TransactionRequest::default().with_to(token).with_input(call)).await?;
        }
        let mine = json!([EMPTY_BLOCKS.0, EMPTY_BLOCKS.1]);
        user.provider().raw_request::<_, Value>("anvil_mine".into(), mine).await?;
        Ok(Self { anvil, token })
    }

    /// URL of its JSON-RPC.
    #[must_use]
    pub fn url(&self) -> &str {
        self.anvil.url()
    }

    /// The token, nearly all of which belongs to the user.
    #[must_use]
    pub const fn token(&self) -> Address {
        self.token
    }
}

/// Creation code of the token; all of it belongs to `holder`.
///
/// # Errors
/// Never in practice: the artifact is a committed one.
pub fn token_code(holder: Address) -> eyre::Result<Bytes> {
    let artifact = include_str!("../../contracts/artifacts/test/TetherLike.json");
    let artifact: Value = serde_json::from_str(artifact)?;
    let code = artifact.get("bytecode").and_then(Value::as_str).ok_or_eyre("no bytecode")?;
    let code: Bytes = code.parse()?;
    Ok([code.to_vec(), (holder, U256::from(SUPPLY)).abi_encode_params()].concat().into())
}
