// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IInbox} from "./interfaces/IInbox.sol";
import {Batch, Credit, View} from "./interfaces/Types.sol";
import {Burn} from "./libraries/Burn.sol";
import {Queue, QueueLib} from "./libraries/Queue.sol";

/// @title Inbox
/// @notice All L1 inputs of the L2. See {IInbox}.
contract Inbox is IInbox {
    using QueueLib for Queue;
    using SafeERC20 for IERC20;

    /// @dev A {View}, packed into three slots.
    struct StoredView {
        bytes32 l1Hash;
        bytes32 prevRandao;
        uint64 l1Number;
        uint64 l1Timestamp;
        uint64 depositsEnd;
        uint64 forcedEnd;
    }

    /// @notice The longest transaction that can be forced: what a blob's payload can carry, less a TX item's header and an END.
    uint256 public constant MAX_FORCED_BYTES = 126_971;

    address private immutable SEQUENCER;
    uint64 private immutable FORCE_DELAY;
    uint256 private immutable FORCE_FEE;
    uint64 private immutable MIN_DEPOSIT_GWEI;
    address private immutable GAS_TOKEN;
    address private immutable BRIDGE;
    /// @dev Wei of L2 in one unit of the asset.
    uint256 private immutable UNIT;

    /// @dev Gone with the transaction. Not private, so that tests can play several transactions in one.
    bool internal transient _appended;

    uint64 private _batchCount;
    uint32 private _viewCount;
    /// @dev Of the sequencer's newest batch, or of the deployment.
    uint64 private _sequencerTimestamp;
    /// @dev In units of the asset. Ether and tokens that are just sent here are nobody's, and never count.
    uint256 private _locked;
    Queue private _forcedQueue;
    Queue private _depositQueue;
    mapping(uint64 index => bytes32) private _batchHashes;
    mapping(uint32 index => StoredView) private _views;
    mapping(uint64 index => bytes32) private _forced;
    mapping(uint64 index => Credit) private _deposits;

    constructor(Config memory configuration) {
        SEQUENCER = configuration.sequencer;
        FORCE_DELAY = configuration.forceDelay;
        FORCE_FEE = configuration.forceFee;
        MIN_DEPOSIT_GWEI = configuration.minDepositGwei;
        GAS_TOKEN = configuration.gasToken;
        BRIDGE = configuration.bridge;
        UNIT = _unitOf(configuration.gasToken);
        _sequencerTimestamp = uint64(block.timestamp);
        _recordView();
    }

    // ---------------------------------------------------------------- batches and views

    /// @inheritdoc IInbox
    function append(address feeRecipient, uint32 minView, uint64 expectedIndex) external returns (uint64 index) {
        require(mayAppend(msg.sender), NotSequencer(msg.sender, _opensAt()));
        require(!_appended, AlreadyAppended());
        bytes32[] memory versionedHashes = _versionedHashes();
        require(versionedHashes.length > 0, NoBlob());
        index = _batchCount + 1;
        require(expectedIndex == 0 || expectedIndex == index, UnexpectedIndex(expectedIndex, index));

        _appended = true;
        uint32 newest = _recordView();
        _checkMinView(minView, newest + 1);
        if (msg.sender == SEQUENCER) _sequencerTimestamp = uint64(block.timestamp);
        Batch memory batch = Batch({
            previous: _batchHashes[index - 1],
            l1Hash: _views[newest].l1Hash,
            versionedHashes: versionedHashes,
            feeRecipient: feeRecipient,
            l1Timestamp: uint64(block.timestamp),
            viewCount: newest + 1,
            minView: minView
        });
        bytes32 hash = keccak256(
            abi.encode(
                batch.previous,
                batch.l1Hash,
                batch.versionedHashes,
                batch.feeRecipient,
                batch.l1Timestamp,
                batch.viewCount,
                batch.minView
            )
        );
        _batchHashes[index] = hash;
        _batchCount = index;
        emit BatchAppended(index, hash, batch);
    }

    /// @inheritdoc IInbox
    function poke() external returns (uint32 viewIndex) {
        return _recordView();
    }

    /// @inheritdoc IInbox
    function mayAppend(address who) public view returns (bool) {
        return SEQUENCER == address(0) || who == SEQUENCER || block.timestamp >= _opensAt();
    }

    // ---------------------------------------------------------------- queues

    /// @inheritdoc IInbox
    function force(bytes calldata rawTransaction) external payable returns (uint64 index) {
        require(rawTransaction.length <= MAX_FORCED_BYTES, ForcedTooLong(rawTransaction.length, MAX_FORCED_BYTES));
        require(msg.value == FORCE_FEE, WrongFee(msg.value, FORCE_FEE));

        index = _forcedQueue.push();
        bytes32 hash = keccak256(rawTransaction);
        _forced[index] = hash;
        emit Forced(index, hash, rawTransaction);

        Burn.burn(msg.value);
    }

    /// @inheritdoc IInbox
    function deposit(address to) external payable returns (uint64 index) {
        require(GAS_TOKEN == address(0), WrongAsset(GAS_TOKEN));
        require(msg.value % 1 gwei == 0, NotWholeGwei(msg.value));
        _locked += msg.value;
        return _deposit(to, msg.value / 1 gwei);
    }

    /// @inheritdoc IInbox
    function depositToken(address to, uint64 amountGwei) external returns (uint64 index) {
        require(GAS_TOKEN != address(0), WrongAsset(GAS_TOKEN));
        uint256 amount = _unitsOf(amountGwei);
        uint256 before = _tokenBalance();
        require(before >= _locked, TokenShrank(_locked, before));
        _locked += amount;
        index = _deposit(to, amountGwei);

        // Strict on both sides: a token that takes a fee, or that reenters with another deposit, moves another amount.
        IERC20(GAS_TOKEN).safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = _tokenBalance() - before;
        // Strict on purpose. Tokens that others send in this very call make it fail, and them poorer.
        // slither-disable-next-line incorrect-equality
        require(received == amount, WrongTransfer(amount, received));
    }

    /// @inheritdoc IInbox
    function release(address to, uint256 value) external {
        require(msg.sender == BRIDGE, NotBridge(msg.sender, BRIDGE));
        require(to != address(0), ZeroRecipient());
        uint256 amount = value / UNIT;
        require(amount <= _locked, NotEnoughLocked(amount, _locked));
        _locked -= amount;
        emit Released(to, amount);

        if (GAS_TOKEN == address(0)) {
            (bool success,) = to.call{value: amount}("");
            require(success, ReleaseFailed(to, amount));
        } else {
            _sendToken(to, amount);
        }
    }

    // ---------------------------------------------------------------- reading

    /// @inheritdoc IInbox
    function batchHash(uint64 index) external view returns (bytes32) {
        return _batchHashes[index];
    }

    /// @inheritdoc IInbox
    function batchCount() external view returns (uint64) {
        return _batchCount;
    }

    /// @inheritdoc IInbox
    function viewCount() external view returns (uint32) {
        return _viewCount;
    }

    /// @inheritdoc IInbox
    function viewAt(uint32 index) external view returns (View memory) {
        require(index < _viewCount, UnknownView(index, _viewCount));
        return _viewAt(index);
    }

    /// @inheritdoc IInbox
    function forcedHash(uint64 index) external view returns (bytes32) {
        require(index < _forcedQueue.count, UnknownForced(index, _forcedQueue.count));
        return _forced[index];
    }

    /// @inheritdoc IInbox
    function forcedCount() external view returns (uint64) {
        return _forcedQueue.count;
    }

    /// @inheritdoc IInbox
    function depositAt(uint64 index) external view returns (Credit memory) {
        require(index < _depositQueue.count, UnknownDeposit(index, _depositQueue.count));
        return _deposits[index];
    }

    /// @inheritdoc IInbox
    function depositCount() external view returns (uint64) {
        return _depositQueue.count;
    }

    /// @inheritdoc IInbox
    function locked() external view returns (uint256) {
        return _locked;
    }

    /// @inheritdoc IInbox
    function tokenUnit() external view returns (uint256) {
        return UNIT;
    }

    /// @inheritdoc IInbox
    function config() external view returns (Config memory) {
        return Config(SEQUENCER, FORCE_DELAY, FORCE_FEE, MIN_DEPOSIT_GWEI, GAS_TOKEN, BRIDGE);
    }

    // ---------------------------------------------------------------- internals

    /// @dev Records a view unless this block has one, and gives the newest.
    function _recordView() private returns (uint32 index) {
        uint64 l1Number = uint64(block.number - 1);
        uint32 count = _viewCount;
        // Numbers of blocks, not amounts: they only grow, and no block is recorded twice.
        // slither-disable-next-line incorrect-equality
        if (count > 0 && _views[count - 1].l1Number == l1Number) return count - 1;

        _viewCount = count + 1;
        _views[count] = StoredView({
            l1Hash: blockhash(l1Number),
            prevRandao: bytes32(block.prevrandao),
            l1Number: l1Number,
            l1Timestamp: uint64(block.timestamp),
            depositsEnd: _depositQueue.endOfPreviousBlock(),
            forcedEnd: _forcedQueue.endOfPreviousBlock()
        });
        emit ViewRecorded(count, _viewAt(count));
        return count;
    }

    /// @dev Views only age, so looking at `minView` and its successor says all about the others. There is always a view that
    /// passes: the last one that is older than FORCE_DELAY, or view 0.
    function _checkMinView(uint32 minView, uint32 count) private view {
        require(minView < count, UnknownView(minView, count));
        uint64 age = _age(minView);
        require(minView == 0 || age >= FORCE_DELAY / 2, ViewTooYoung(minView, age, FORCE_DELAY / 2));
        if (minView + 1 == count) return;
        age = _age(minView + 1);
        require(age <= FORCE_DELAY, ViewOverdue(minView + 1, age, FORCE_DELAY));
    }

    function _deposit(address to, uint256 amountGwei) private returns (uint64 index) {
        require(to != address(0), ZeroRecipient());
        require(amountGwei >= MIN_DEPOSIT_GWEI, DepositTooSmall(amountGwei, MIN_DEPOSIT_GWEI));
        require(amountGwei <= type(uint64).max, DepositTooLarge(amountGwei));

        index = _depositQueue.push();
        _deposits[index] = Credit(to, uint64(amountGwei));
        emit Deposited(index, msg.sender, to, uint64(amountGwei));
    }

    /// @dev A token that takes more from the Inbox than it is asked to would take it from others' deposits.
    function _sendToken(address to, uint256 amount) private {
        uint256 before = _tokenBalance();
        IERC20(GAS_TOKEN).safeTransfer(to, amount);
        uint256 sent = before - _tokenBalance();
        // As for deposits. A recipient that sends tokens back in this call makes it fail; it can be tried again.
        // slither-disable-next-line incorrect-equality
        require(sent == amount, WrongTransfer(amount, sent));
    }

    function _tokenBalance() private view returns (uint256) {
        return IERC20(GAS_TOKEN).balanceOf(address(this));
    }

    /// @dev How much of the token `amountGwei` is.
    function _unitsOf(uint64 amountGwei) private view returns (uint256) {
        uint256 value = uint256(amountGwei) * 1 gwei;
        require(value % UNIT == 0, NotWholeUnits(amountGwei, UNIT / 1 gwei));
        return value / UNIT;
    }

    function _unitOf(address token) private view returns (uint256) {
        if (token == address(0)) return 1;
        uint8 decimals = IERC20Metadata(token).decimals();
        require(decimals <= 18, TooManyDecimals(token, decimals));
        return 10 ** (18 - decimals);
    }

    /// @dev Seconds since the view was recorded.
    function _age(uint32 index) private view returns (uint64) {
        return uint64(block.timestamp) - _views[index].l1Timestamp;
    }

    function _opensAt() private view returns (uint64) {
        return _sequencerTimestamp + FORCE_DELAY;
    }

    function _viewAt(uint32 index) private view returns (View memory) {
        StoredView storage v = _views[index];
        return View(v.l1Hash, v.l1Number, v.l1Timestamp, v.prevRandao, v.depositsEnd, v.forcedEnd);
    }

    /// @dev All blobs of this transaction: L1 bounds their number.
    function _versionedHashes() private view returns (bytes32[] memory hashes) {
        uint256 count = 0;
        while (blobhash(count) != 0) ++count;
        hashes = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            hashes[i] = blobhash(i);
        }
    }
}
