// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBridge} from "./interfaces/IBridge.sol";
import {IInbox} from "./interfaces/IInbox.sol";
import {IRollup} from "./interfaces/IRollup.sol";
import {Checkpoint, Withdrawal} from "./interfaces/Types.sol";
import {L2Withdrawals} from "./l2/L2Withdrawals.sol";
import {CheckpointLib} from "./libraries/CheckpointLib.sol";
import {GasFloor} from "./libraries/GasFloor.sol";
import {StateProof} from "./libraries/StateProof.sol";

/// @title Bridge
/// @notice Holds no money: deposits lie in the Inbox, which releases them to whom this contract says. So the calls that
/// messages ask for are made by an account that has nothing and may do nothing but that. See {IBridge}.
contract Bridge is IBridge {
    /// @notice The account of {L2Withdrawals} on every L2 of this kind.
    address public constant L2_WITHDRAWALS = 0x8079000000000000000000000000000000000001;

    /// @dev keccak256(rlp("")): an account without storage.
    bytes32 private constant EMPTY_ROOT = 0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421;

    IRollup private immutable ROLLUP;
    IInbox private immutable INBOX;
    /// @dev Zero: ether.
    address private immutable TOKEN;
    /// @dev The least that the Inbox pays, in wei of L2.
    uint256 private immutable UNIT;
    uint64 private immutable WITHDRAWAL_DELAY;

    mapping(bytes32 hash => bool) private _paid;
    /// @dev Of the message that is being delivered; also the lock: no message has sender zero.
    address private transient _sender;

    /// @param genesisStateRoot Of the rollup.
    /// @param predeployProof Account proof of {L2Withdrawals} under it.
    constructor(Config memory configuration, bytes32 genesisStateRoot, bytes[] memory predeployProof) {
        ROLLUP = configuration.rollup;
        WITHDRAWAL_DELAY = configuration.withdrawalDelay;
        IRollup.Config memory rollup = ROLLUP.config();
        INBOX = rollup.inbox;
        IInbox.Config memory inbox = rollup.inbox.config();
        (TOKEN, UNIT) = (inbox.gasToken, INBOX.tokenUnit());
        require(inbox.bridge == address(this), WrongBridge(address(this), inbox.bridge));

        Checkpoint memory genesis = rollup.verifier.genesis(genesisStateRoot);
        bytes32 content = keccak256(abi.encode(bytes32(0), bytes32(0), CheckpointLib.h248(genesis), uint64(0)));
        require(ROLLUP.contentOf(content).confirmed, NotGenesis(content));
        StateProof.Account memory predeploy = StateProof.account(genesisStateRoot, L2_WITHDRAWALS, predeployProof);
        require(
            predeploy.storageRoot == EMPTY_ROOT && predeploy.codeHash == keccak256(type(L2Withdrawals).runtimeCode),
            NotPredeploy(predeploy.storageRoot, predeploy.codeHash)
        );
    }

    /// @dev The value of the message that is being delivered.
    receive() external payable {
        require(msg.sender == address(INBOX), NotInbox(msg.sender));
    }

    /// @inheritdoc IBridge
    function withdraw(Withdrawal calldata withdrawal, WithdrawalProof calldata proof) external {
        _withdraw(withdrawal, proof, withdrawal.gasLimit);
    }

    /// @inheritdoc IBridge
    function withdrawWithGas(Withdrawal calldata withdrawal, WithdrawalProof calldata proof, uint256 gasForCall)
        external
    {
        require(gasForCall >= withdrawal.gasLimit, LessThanGasLimit(gasForCall, withdrawal.gasLimit));
        _withdraw(withdrawal, proof, gasForCall);
    }

    /// @dev `_sender` is written after the call because it is the lock: until then every other payment is refused.
    // slither-disable-next-line reentrancy-no-eth
    function _withdraw(Withdrawal calldata withdrawal, WithdrawalProof calldata proof, uint256 gasForCall) private {
        require(_sender == address(0), Reentered());
        _checkTarget(withdrawal.target);
        bytes32 hash = keccak256(abi.encode(withdrawal));
        require(!_paid[hash], AlreadyPaid(hash));
        _checkConfirmed(proof);
        _checkRecorded(hash, proof);

        _paid[hash] = true;
        _sender = withdrawal.sender;
        emit Paid(hash, withdrawal.sender, withdrawal.target, withdrawal.value);

        _deliver(hash, withdrawal, gasForCall);
        _sender = address(0);
    }

    // ---------------------------------------------------------------- reading

    /// @inheritdoc IBridge
    function paid(bytes32 hash) external view returns (bool) {
        return _paid[hash];
    }

    /// @inheritdoc IBridge
    function sender() external view returns (address) {
        require(_sender != address(0), NoMessage());
        return _sender;
    }

    /// @inheritdoc IBridge
    function config() external view returns (Config memory) {
        return Config(ROLLUP, WITHDRAWAL_DELAY);
    }

    // ---------------------------------------------------------------- checks

    /// @dev The Inbox obeys the bridge. The others are named so that nobody has to think about what the bridge could be made
    /// to do there.
    function _checkTarget(address target) private view {
        bool forbidden =
            target == address(INBOX) || target == address(ROLLUP) || target == address(this) || target == TOKEN;
        require(!forbidden, ForbiddenTarget(target));
    }

    function _checkConfirmed(WithdrawalProof calldata proof) private view {
        IRollup.Content memory content = ROLLUP.contentOf(proof.content);
        require(content.confirmed, NotConfirmed(proof.content));
        uint256 from = uint256(content.confirmedAt) + WITHDRAWAL_DELAY;
        require(block.timestamp >= from, TooEarly(block.timestamp, from));
        bytes32 got = CheckpointLib.h248(proof.checkpoint);
        require(got == content.checkpoint, WrongCheckpoint(content.checkpoint, got));
    }

    function _checkRecorded(bytes32 hash, WithdrawalProof calldata proof) private pure {
        bytes32 storageRoot =
            StateProof.account(proof.checkpoint.stateRoot, L2_WITHDRAWALS, proof.accountProof).storageRoot;
        bytes32 slot = keccak256(abi.encode(hash, uint256(0)));
        require(StateProof.slot(storageRoot, slot, proof.storageProof) == 1, NotRecorded(hash));
    }

    // ---------------------------------------------------------------- delivery

    /// @dev Less than a unit of the token is nothing on L1. The token is not asked to move nothing: some refuse that, and the
    /// message could never be delivered.
    function _deliver(bytes32 hash, Withdrawal calldata withdrawal, uint256 gasForCall) private {
        bool inEther = TOKEN == address(0);
        if (withdrawal.value >= UNIT) INBOX.release(inEther ? address(this) : withdrawal.target, withdrawal.value);
        if (!inEther && withdrawal.data.length == 0) return;

        uint256 value = inEther ? withdrawal.value : 0;
        require(_call(withdrawal.target, value, gasForCall, withdrawal.data), CallFailed(hash));
    }

    /// @dev The target gets `gasForCall` gas or there is no call.
    function _call(address target, uint256 value, uint256 gasForCall, bytes memory data)
        private
        returns (bool success)
    {
        uint256 needed = GasFloor.needed(gasForCall);
        require(gasleft() >= needed, NotEnoughGas(gasleft(), needed));
        return GasFloor.call(target, value, gasForCall, data);
    }
}
