// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IInbox} from "../../src/interfaces/IInbox.sol";
import {TetherLike} from "../support/Tokens.sol";
import {InboxBase} from "./Base.sol";

contract ReleaseTest is InboxBase {
    address private constant CAROL = address(0xCA401);

    function test_onlyTheBridge() public {
        deposit(1 ether);
        bytes memory data = abi.encodeCall(IInbox.release, (MALLORY, 1 ether));
        reverts(MALLORY, 0, address(inbox), data, abi.encodeWithSelector(IInbox.NotBridge.selector, MALLORY, BRIDGE));
    }

    function test_pays() public {
        deposit(3 ether);
        vm.assertEq(inbox.locked(), 3 ether);
        expectEvent(address(inbox));
        emit IInbox.Released(CAROL, 1 ether);
        vm.prank(BRIDGE);
        inbox.release(CAROL, 1 ether);
        vm.assertEq(CAROL.balance, 1 ether);
        vm.assertEq(inbox.locked(), 2 ether);
        vm.assertEq(inbox.tokenUnit(), uint256(1));
    }

    function test_notMoreThanIsLocked() public {
        deposit(1 ether);
        vm.deal(address(inbox), 5 ether); // sent by selfdestruct, say: nobody's
        refuses(CAROL, 1 ether + 1, abi.encodeWithSelector(IInbox.NotEnoughLocked.selector, 1 ether + 1, 1 ether));
    }

    function test_recipient() public {
        deposit(1 ether);
        refuses(address(0), 1, abi.encodeWithSelector(IInbox.ZeroRecipient.selector));
        refuses(address(this), 1, abi.encodeWithSelector(IInbox.ReleaseFailed.selector, address(this), 1));
        vm.assertEq(inbox.locked(), 1 ether);
    }

    function refuses(address to, uint256 value, bytes memory expected) private {
        reverts(BRIDGE, 0, address(inbox), abi.encodeCall(IInbox.release, (to, value)), expected);
    }
}

/// @notice A token that misbehaves as it is told.
contract Odd is ERC20("Odd", "ODD") {
    uint8 private immutable DECIMALS;
    bool public lies;
    uint256 public surcharge;
    uint256 public fee;

    constructor(uint8 decimals_) {
        DECIMALS = decimals_;
    }

    function decimals() public view override returns (uint8) {
        return DECIMALS;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    /// @dev As a rebasing token does, when it shrinks balances.
    function shrink(address who, uint256 amount) external {
        _burn(who, amount);
    }

    function lie(bool lies_) external {
        lies = lies_;
    }

    /// @dev From whom money moves pays so much more.
    function charge(uint256 surcharge_) external {
        surcharge = surcharge_;
    }

    /// @dev To whom money moves gets so much less.
    function take(uint256 fee_) external {
        fee = fee_;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        if (lies) return false;
        if (surcharge > 0) _burn(msg.sender, surcharge);
        return super.transfer(to, amount - fee);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        if (lies) return false;
        return super.transferFrom(from, to, amount - fee);
    }
}

contract TokenTest is InboxBase {
    address private constant CAROL = address(0xCA401);
    uint64 private constant WHOLE = 1e9; // one token, in gwei of L2

    Odd private token;

    /// @dev An inbox for a token of so many decimals, of which BOB has a thousand.
    function use(uint8 decimals) private {
        token = new Odd(decimals);
        inbox = deploy(ALICE, address(token));
        token.mint(BOB, 1000 * 10 ** decimals);
        vm.prank(BOB);
        token.approve(address(inbox), type(uint256).max);
    }

    function put(uint64 amountGwei) private {
        vm.prank(BOB);
        inbox.depositToken(ALICE, amountGwei);
    }

    function release(uint256 value) private {
        vm.prank(BRIDGE);
        inbox.release(CAROL, value);
    }

    function refusesDeposit(uint64 amountGwei, bytes memory expected) private {
        reverts(BOB, 0, address(inbox), abi.encodeCall(IInbox.depositToken, (ALICE, amountGwei)), expected);
    }

    function refusesRelease(uint256 value, bytes memory expected) private {
        reverts(BRIDGE, 0, address(inbox), abi.encodeCall(IInbox.release, (CAROL, value)), expected);
    }

    /// One whole token is one whole coin of L2, whatever its decimals.
    function test_decimals() public {
        for (uint8 decimals = 0; decimals <= 18; decimals += 6) {
            use(decimals);
            vm.assertEq(inbox.tokenUnit(), 10 ** (18 - decimals));
            put(2 * WHOLE);
            vm.assertEq(inbox.depositAt(0).amountGwei, 2e9);
            vm.assertEq(token.balanceOf(address(inbox)), 2 * 10 ** decimals);
            uint256 before = token.balanceOf(CAROL);
            release(1 ether);
            vm.assertEq(token.balanceOf(CAROL) - before, 10 ** decimals);
            vm.assertEq(inbox.locked(), 10 ** decimals);
        }
    }

    function test_moreDecimalsThanL2Has() public {
        token = new Odd(19);
        reverts(
            address(this),
            abi.encodeCall(this.make, (address(token))),
            abi.encodeWithSelector(IInbox.TooManyDecimals.selector, address(token), 19)
        );
        reverts(address(this), abi.encodeCall(this.make, (address(0x70CE))), ""); // no contract
    }

    function make(address gasToken) external {
        deploy(ALICE, gasToken);
    }

    function test_wholeUnits() public {
        use(6);
        refusesDeposit(WHOLE + 1, abi.encodeWithSelector(IInbox.NotWholeUnits.selector, WHOLE + 1, 1000));
        put(WHOLE + 1000);
        // Less than a unit stays here.
        release(1e12 - 1);
        vm.assertEq(token.balanceOf(CAROL), uint256(0));
        release(2e12 - 1);
        vm.assertEq(token.balanceOf(CAROL), uint256(1));
    }

    /// Rounding is never in favour of who withdraws: what leaves is worth no more than what was withdrawn.
    function testFuzz_rounding(uint8 decimals, uint256 value) public {
        decimals %= 19;
        use(decimals);
        put(100 * WHOLE);
        value %= 100 ether + 1;
        release(value);
        vm.assertTrue(token.balanceOf(CAROL) * inbox.tokenUnit() <= value);
        vm.assertTrue(value - token.balanceOf(CAROL) * inbox.tokenUnit() < inbox.tokenUnit());
        vm.assertEq(inbox.locked(), token.balanceOf(address(inbox)));
    }

    function test_likeTether() public {
        TetherLike tether = new TetherLike(BOB, 1e12);
        inbox = deploy(ALICE, address(tether));
        vm.prank(BOB);
        tether.approve(address(inbox), 5e6);
        put(5 * WHOLE);
        release(2 ether);
        vm.assertEq(tether.balanceOf(CAROL), 2e6);
        vm.assertEq(tether.balanceOf(address(inbox)), 3e6);
    }

    function test_thatSaysFalse() public {
        use(18);
        put(WHOLE);
        token.lie(true);
        bytes memory expected = abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(token));
        refusesDeposit(WHOLE, expected);
        refusesRelease(1 ether, expected);
        vm.assertEq(inbox.locked(), 1 ether);
    }

    function test_feeOnTransfer() public {
        use(18);
        token.take(1);
        refusesDeposit(WHOLE, abi.encodeWithSelector(IInbox.WrongTransfer.selector, 1 ether, 1 ether - 1));
    }

    /// A fee that starts later, on what leaves: nobody else pays it.
    function test_feeOnTheWayOut() public {
        use(18);
        put(2 * WHOLE);
        token.charge(1);
        refusesRelease(1 ether, abi.encodeWithSelector(IInbox.WrongTransfer.selector, 1 ether, 1 ether + 1));
        token.charge(0);
        release(1 ether);
    }

    /// A token that shrinks: nobody deposits into the loss, and who withdraws is paid in full while there is something.
    function test_rebasingDown() public {
        use(18);
        put(2 * WHOLE);
        token.shrink(address(inbox), 1);
        refusesDeposit(WHOLE, abi.encodeWithSelector(IInbox.TokenShrank.selector, 2 ether, 2 ether - 1));
        release(1 ether);
        vm.assertEq(token.balanceOf(CAROL), 1 ether);
        vm.prank(BRIDGE);
        (bool success,) = address(inbox).call(abi.encodeCall(IInbox.release, (CAROL, 1 ether)));
        vm.assertFalse(success);
        // Whoever makes it good again opens it again.
        token.mint(address(inbox), 1);
        put(WHOLE);
        release(2 ether);
    }

    /// What a token that grows brings is nobody's: it can't be withdrawn, and covers a later loss.
    function test_rebasingUp() public {
        use(18);
        put(WHOLE);
        token.mint(address(inbox), 5 ether);
        refusesRelease(1 ether + 1, abi.encodeWithSelector(IInbox.NotEnoughLocked.selector, 1 ether + 1, 1 ether));
        token.shrink(address(inbox), 5 ether);
        put(WHOLE);
        vm.assertEq(inbox.locked(), 2 ether);
    }
}
