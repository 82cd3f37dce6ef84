//! What a rollup is deployed from, and where everything must be: computed from parameters and committed bytecode alone.

use alloy::sol_types::SolValue;
use alloy_primitives::{Address, B256, Bytes, address, keccak256};
use recourse_protocol::bindings::{IBridge, IDeployment::Link, IInbox, IRollup, IStepVerifier};

use super::{DeployError, DeployParams, artifact::Contract, genesis::Genesis};

/// The deterministic deployment proxy: its calldata is a salt of 32 bytes and creation code, and it does CREATE2. Nobody has its
/// key; it is at this address on every chain whose rules let its one presigned transaction in.
pub const CREATE2_PROXY: Address = address!("0x4e59b44847b379578588920cA78FbF26c0B4956C");

/// The parts of a Deployment, in its order.
pub(super) const PARTS: [Contract; 4] =
    [Contract::Inbox, Contract::StepVerifier, Contract::Rollup, Contract::Bridge];
const INBOX: usize = 0;
const VERIFIER: usize = 1;
const ROLLUP: usize = 2;
const BRIDGE: usize = 3;
/// Bytes of an ABI word.
const WORD: usize = 32;

/// A deployment that may not be on any L1 yet. The same parameters give the same addresses on every L1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Of the Deployment's CREATE2.
    pub salt: B256,
    /// Where the ChunkStore is, which all rollups share.
    pub chunk_store: Address,
    /// Where the Deployment is.
    pub deployment: Address,
    /// What it makes, in order.
    pub parts: Vec<Part>,
}

/// A contract that a Deployment makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its name in `contracts/src`.
    pub name: &'static str,
    /// Where it is.
    pub address: Address,
    /// Creation code with arguments; zero where the address of a part belongs.
    pub creation_code: Bytes,
    /// Those places.
    pub links: Vec<Link>,
    /// How long the arguments at the end of the creation code are, in bytes.
    pub arguments: usize,
}

impl Plan {
    /// Plans a deployment.
    ///
    /// # Errors
    /// [`DeployError`] for parameters that make no rollup.
    pub fn of(params: &DeployParams) -> Result<Self, DeployError> {
        Self::on(params, &Genesis::of(&params.alloc)?)
    }

    pub(super) fn on(params: &DeployParams, genesis: &Genesis) -> Result<Self, DeployError> {
        params.check(genesis.state_root)?;
        check_no_placeholder(params)?;
        let chunk_store = create2(B256::ZERO, &Contract::ChunkStore.creation_code()?);
        let arguments = arguments(params, chunk_store, genesis);
        let mut parts = Vec::with_capacity(PARTS.len());
        for (contract, arguments) in PARTS.into_iter().zip(arguments) {
            parts.push(Part::of(contract, &arguments)?);
        }
        let mut plan = Self { salt: params.salt, chunk_store, deployment: Address::ZERO, parts };
        plan.deployment = create2(params.salt, &plan.creation_code()?);
        for (part, nonce) in plan.parts.iter_mut().zip(1..) {
            part.address = plan.deployment.create(nonce);
        }
        Ok(plan)
    }

    /// Creation code of the Deployment, with the commitments to its parts.
    ///
    /// # Errors
    /// [`DeployError::Artifact`], never in a build whose artifacts are whole.
    pub fn creation_code(&self) -> Result<Bytes, DeployError> {
        let commitments: Vec<B256> = self.parts.iter().map(Part::commitment).collect();
        let mut code = Contract::Deployment.creation_code()?;
        code.extend(commitments.abi_encode());
        Ok(code.into())
    }

    /// Creation code of a part with the addresses of the others in their places.
    pub(super) fn linked(&self, part: &Part) -> Bytes {
        let mut code = part.creation_code.to_vec();
        for link in &part.links {
            let at = link.offset as usize;
            let word = at.checked_add(WORD).and_then(|end| code.get_mut(at..end));
            if let (Some(word), Some(to)) = (word, self.parts.get(usize::from(link.part))) {
                word.copy_from_slice(to.address.into_word().as_slice());
            }
        }
        code.into()
    }

    /// Every contract with its name, address and creation code: the Deployment, the ChunkStore, the parts.
    pub(super) fn contracts(&self) -> Result<Vec<(&'static str, Address, Bytes)>, DeployError> {
        let store = Contract::ChunkStore;
        let mut all = vec![
            (Contract::Deployment.name(), self.deployment, self.creation_code()?),
            (store.name(), self.chunk_store, store.creation_code()?.into()),
        ];
        all.extend(self.parts.iter().map(|part| (part.name, part.address, self.linked(part))));
        Ok(all)
    }

    pub(super) fn inbox(&self) -> Address {
        self.address(INBOX)
    }

    pub(super) fn verifier(&self) -> Address {
        self.address(VERIFIER)
    }

    pub(super) fn rollup(&self) -> Address {
        self.address(ROLLUP)
    }

    pub(super) fn bridge(&self) -> Address {
        self.address(BRIDGE)
    }

    fn address(&self, part: usize) -> Address {
        self.parts.get(part).map(|part| part.address).unwrap_or_default()
    }
}

impl Part {
    /// A part whose arguments hold [`placeholder`]s.
    fn of(contract: Contract, arguments: &[u8]) -> Result<Self, DeployError> {
        let mut code = contract.creation_code()?;
        let start = code.len();
        let mut links = Vec::new();
        for (number, word) in arguments.chunks(WORD).enumerate() {
            let Some(part) = (0..PARTS.len()).find(|part| placeholder(*part).as_slice() == word)
            else {
                code.extend(word);
                continue;
            };
            let offset = start.saturating_add(number.saturating_mul(WORD));
            links.push(Link {
                offset: u32::try_from(offset)
                    .map_err(|_| DeployError::Artifact(contract.name()))?,
                part: u8::try_from(part).map_err(|_| DeployError::Artifact(contract.name()))?,
            });
            code.extend([0; WORD]);
        }
        Ok(Self {
            name: contract.name(),
            address: Address::ZERO,
            creation_code: code.into(),
            links,
            arguments: arguments.len(),
        })
    }

    /// What the Deployment holds of it: `keccak256(abi.encode(creationCode, links))`.
    #[must_use]
    pub fn commitment(&self) -> B256 {
        keccak256((self.creation_code.clone(), self.links.clone()).abi_encode_params())
    }
}

/// Where the proxy puts this creation code.
fn create2(salt: B256, creation_code: &[u8]) -> Address {
    CREATE2_PROXY.create2(salt, keccak256(creation_code))
}

/// Refuses parameters that would be taken for the address of a part: of all arguments only these are words that somebody can
/// choose freely.
fn check_no_placeholder(params: &DeployParams) -> Result<(), DeployError> {
    let chosen = [
        ("sequencer", params.sequencer.into_word()),
        ("gas-token", params.gas_token.into_word()),
        ("force-fee", params.limits.force_fee.into()),
    ];
    for (number, part) in PARTS.iter().enumerate() {
        if let Some((field, _)) = chosen.iter().find(|(_, word)| *word == placeholder(number)) {
            let got = unknown(number);
            return Err(DeployError::Placeholder { field, part: part.name(), got });
        }
    }
    Ok(())
}

/// Stands for the address of a part until that is known. No argument is this by chance.
fn placeholder(part: usize) -> B256 {
    let hash = keccak256(format!("recourse: the address of part {part}"));
    Address::from_word(hash).into_word()
}

fn unknown(part: usize) -> Address {
    Address::from_word(placeholder(part))
}

/// Constructor arguments of each part.
fn arguments(params: &DeployParams, chunk_store: Address, genesis: &Genesis) -> [Vec<u8>; 4] {
    let inbox = IInbox::Config {
        sequencer: params.sequencer,
        forceDelay: params.periods.force_delay,
        forceFee: params.limits.force_fee,
        minDepositGwei: params.limits.min_deposit_gwei,
        gasToken: params.gas_token,
        bridge: unknown(BRIDGE),
    };
    let verifier = IStepVerifier::Config {
        inbox: unknown(INBOX),
        chainId: params.l2.chain_id,
        gasLimit: params.l2.gas_limit,
        blockTime: params.l2.block_time,
        maxWitnessBytes: params.l2.max_witness_bytes,
    };
    let rollup = IRollup::Config {
        inbox: unknown(INBOX),
        verifier: unknown(VERIFIER),
        chunkStore: chunk_store,
        arity: params.limits.arity,
        levels: params.limits.levels,
        challengeWindow: params.periods.challenge_window,
        responsePeriod: params.periods.response_period,
        // All were checked to fit.
        claimBond: params.limits.claim_bond.saturating_to(),
        challengeBond: params.limits.challenge_bond.saturating_to(),
        chunkReward: params.limits.chunk_reward.saturating_to(),
    };
    let bridge = IBridge::Config {
        rollup: unknown(ROLLUP),
        withdrawalDelay: params.periods.withdrawal_delay,
    };
    let root = genesis.state_root;
    let (history, beacon) = (genesis.history_proof.clone(), genesis.beacon_proof.clone());
    [
        inbox.abi_encode(),
        verifier.abi_encode(),
        (rollup, root, history, beacon).abi_encode_params(),
        (bridge, root, genesis.withdrawals_proof.clone()).abi_encode_params(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(params: &DeployParams) -> Plan {
        Plan::of(params).unwrap()
    }

    #[test]
    fn no_placeholder_is_left_and_every_address_is_where_it_belongs() {
        let plan = plan(&DeployParams::default());
        let links: Vec<Vec<u8>> = plan
            .parts
            .iter()
            .map(|part| part.links.iter().map(|link| link.part).collect())
            .collect();
        // The Inbox knows the Bridge; the StepVerifier the Inbox; the Rollup both; the Bridge the Rollup.
        assert_eq!(links, [vec![3], vec![0], vec![0, 1], vec![2]]);
        for part in &plan.parts {
            let code = plan.linked(part);
            for number in 0..PARTS.len() {
                let placeholder = placeholder(number);
                assert!(!code.windows(20).any(|at| at == &placeholder[12..]), "{}", part.name);
            }
            for link in &part.links {
                let at = link.offset as usize;
                let to = plan.parts[usize::from(link.part)].address;
                assert_eq!(Address::from_slice(&code[at + 12..at + 32]), to);
                assert!(at + part.arguments >= part.creation_code.len(), "an argument");
            }
        }
    }

    #[test]
    fn no_parameter_is_taken_for_the_address_of_a_part() {
        type Change = fn(&mut DeployParams, Address);
        for (number, contract) in PARTS.iter().enumerate() {
            let taken = unknown(number);
            let changes: [(&str, Change); 3] = [
                ("sequencer", |p, taken| p.sequencer = taken),
                ("gas-token", |p, taken| p.gas_token = taken),
                ("force-fee", |p, taken| p.limits.force_fee = taken.into_word().into()),
            ];
            for (name, change) in changes {
                let mut params = DeployParams::default();
                change(&mut params, taken);
                let error = Plan::of(&params).unwrap_err();
                let expected = (name, contract.name(), taken);
                let DeployError::Placeholder { field, part, got } = error else {
                    panic!("expected {expected:?}, got {error}")
                };
                assert_eq!((field, part, got), expected);
            }
        }
    }

    #[test]
    fn every_parameter_moves_every_address() {
        let before = plan(&DeployParams::default());
        let changes: [fn(&mut DeployParams); 8] = [
            |p| p.salt = B256::repeat_byte(1),
            |p| p.sequencer = Address::repeat_byte(1),
            |p| p.gas_token = Address::repeat_byte(1),
            |p| p.l2.chain_id += 1,
            |p| p.periods.withdrawal_delay += 1,
            |p| p.limits.chunk_reward += alloy_primitives::U256::ONE,
            |p| p.periods.challenge_window += 1,
            |p| {
                p.alloc.insert(
                    Address::repeat_byte(7),
                    recourse_protocol::GenesisAccount { nonce: 1, ..Default::default() },
                );
            },
        ];
        for change in changes {
            let mut params = DeployParams::default();
            change(&mut params);
            let after = plan(&params);
            assert_ne!(before.deployment, after.deployment);
            assert_eq!(before.chunk_store, after.chunk_store, "shared by all");
            for (one, other) in before.parts.iter().zip(&after.parts) {
                assert_ne!(one.address, other.address);
            }
        }
    }
}
