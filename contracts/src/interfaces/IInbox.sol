// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Batch, Credit, View} from "./Types.sol";

/// @title All L1 inputs of the L2: views of L1, batches of blobs, forced transactions, deposits
/// @notice Append-only. Nothing that was recorded is ever changed, and nobody has a special right but the sequencer,
/// whose right to append lapses by itself.
interface IInbox {
    struct Config {
        address sequencer; // zero: everybody may append (a based rollup)
        uint64 forceDelay; // seconds
        uint256 forceFee; // wei, burned
        uint64 minDepositGwei;
        address gasToken; // zero: ether
        address bridge; // who alone may release deposits
    }

    /// @notice A view of L1 was recorded, at most one in an L1 block.
    event ViewRecorded(uint32 indexed index, View data);
    /// @notice A batch was appended. `hash` is `keccak256(abi.encode(fields of batch in order))`.
    event BatchAppended(uint64 indexed index, bytes32 indexed hash, Batch batch);
    /// @notice A transaction was forced. `hash` is `keccak256(rawTransaction)`.
    event Forced(uint64 indexed index, bytes32 indexed hash, bytes rawTransaction);
    /// @notice A deposit was queued; the L2 credits it when it seals a block.
    event Deposited(uint64 indexed index, address indexed from, address indexed to, uint64 amountGwei);

    /// @notice Money left: `amount` of what was deposited, in units of the asset (wei, or the token's smallest).
    event Released(address indexed to, uint256 amount);

    /// @notice Only the sequencer may append before `opensAt` (seconds).
    error NotSequencer(address caller, uint64 opensAt);
    /// @notice One transaction carries one batch: all its blobs.
    error AlreadyAppended();
    /// @notice The transaction carries no blob.
    error NoBlob();
    /// @notice The batch would get another index than the caller counted on.
    error UnexpectedIndex(uint64 expected, uint64 actual);
    /// @notice There is no such view (yet).
    error UnknownView(uint32 index, uint32 count);
    /// @notice Batches may oblige the L2 only to views that everybody has had time to see.
    error ViewTooYoung(uint32 minView, uint64 age, uint64 atLeast);
    /// @notice The view after `minView` has waited too long: the batch must oblige the L2 to it.
    error ViewOverdue(uint32 next, uint64 age, uint64 atMost);
    /// @notice A forced transaction fits one blob.
    error ForcedTooLong(uint256 length, uint256 atMost);
    /// @notice The fee of a forced transaction is exact.
    error WrongFee(uint256 sent, uint256 fee);
    /// @notice This rollup's gas is `gasToken` (zero: ether); deposit that.
    error WrongAsset(address gasToken);
    /// @notice Deposits are whole gwei.
    error NotWholeGwei(uint256 amount);
    /// @notice Smaller deposits than `minimum` would cost the L2 more than they bring.
    error DepositTooSmall(uint256 amountGwei, uint64 minimum);
    /// @notice An EIP-4895 amount is a uint64 of gwei.
    error DepositTooLarge(uint256 amountGwei);
    /// @notice Nobody would own that deposit.
    error ZeroRecipient();
    /// @notice The token moved another amount than it was asked to (fee on transfer).
    error WrongTransfer(uint256 expected, uint256 got);
    /// @notice A token's amounts are whole units: `amountGwei` must be a multiple of `unitGwei`.
    error NotWholeUnits(uint256 amountGwei, uint256 unitGwei);
    /// @notice L2 counts 18 decimals: a token with more has amounts that L2 can't name.
    error TooManyDecimals(address token, uint8 decimals);
    /// @notice The token holds less for the Inbox than was deposited: it shrank balances (rebasing). Nobody may buy into that.
    error TokenShrank(uint256 locked, uint256 balance);
    /// @notice Only the bridge may release deposits.
    error NotBridge(address caller, address bridge);
    /// @notice More than was deposited and is still here.
    error NotEnoughLocked(uint256 amount, uint256 locked);
    /// @notice The recipient did not take the ether.
    error ReleaseFailed(address to, uint256 amount);
    /// @notice There is no such forced transaction (yet).
    error UnknownForced(uint64 index, uint64 count);
    /// @notice There is no such deposit (yet).
    error UnknownDeposit(uint64 index, uint64 count);

    /// @notice Appends all blobs of this transaction as the next batch, and records a view.
    /// @param feeRecipient The coinbase of the batch's L2 blocks.
    /// @param minView The view that the L2 must have served at the end of the batch: not younger than FORCE_DELAY / 2,
    /// and such that no later view is older than FORCE_DELAY.
    /// @param expectedIndex The index that the batch must get, or zero for any.
    function append(address feeRecipient, uint32 minView, uint64 expectedIndex) external returns (uint64 index);

    /// @notice Records a view, if this L1 block has none yet. @return viewIndex The newest view.
    function poke() external returns (uint32 viewIndex);

    /// @notice Queues a transaction that the L2 can't leave out. Costs exactly FORCE_FEE, which is burned.
    function force(bytes calldata rawTransaction) external payable returns (uint64 index);

    /// @notice Queues a deposit of `msg.value`, if the L2's gas is ether.
    function deposit(address to) external payable returns (uint64 index);

    /// @notice Queues a deposit of the gas token, taken from the caller by allowance. One whole token is one whole coin of
    /// L2, 10^9 `amountGwei`, whatever the token's decimals; see {tokenUnit}.
    function depositToken(address to, uint64 amountGwei) external returns (uint64 index);

    /// @notice Pays out deposits, to whom the bridge says. A token's part that is less than its smallest unit stays here.
    /// @param value Wei of L2.
    function release(address to, uint256 value) external;

    /// @notice The hash of a batch; zero for 0 and for batches to come.
    function batchHash(uint64 index) external view returns (bytes32);
    /// @notice The index of the newest batch; batches count from 1.
    function batchCount() external view returns (uint64);
    /// @notice How many views there are, at least 1.
    function viewCount() external view returns (uint32);
    function viewAt(uint32 index) external view returns (View memory);
    /// @notice keccak256 of a forced transaction.
    function forcedHash(uint64 index) external view returns (bytes32);
    function forcedCount() external view returns (uint64);
    function depositAt(uint64 index) external view returns (Credit memory);
    function depositCount() external view returns (uint64);
    /// @notice What was deposited and not released yet, in units of the asset.
    function locked() external view returns (uint256);
    /// @notice Wei of L2 that the asset's smallest unit is worth: `10 ** (18 - decimals)`; 1 for ether.
    function tokenUnit() external view returns (uint256);
    function config() external view returns (Config memory);
    /// @notice Whether `who` may append now.
    function mayAppend(address who) external view returns (bool);
}
