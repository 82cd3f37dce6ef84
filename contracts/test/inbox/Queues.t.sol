// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IInbox} from "../../src/interfaces/IInbox.sol";
import {InboxBase} from "./Base.sol";

contract ForceTest is InboxBase {
    function test_queues() public {
        uint256 burntBefore = address(0).balance;
        expectEvent(address(inbox));
        emit IInbox.Forced(0, keccak256("raw"), "raw");
        vm.assertEq(force("raw"), uint256(0));
        vm.assertEq(inbox.forcedHash(0), keccak256("raw"));
        vm.assertEq(inbox.forcedCount(), uint256(1));
        vm.assertEq(address(0).balance - burntBefore, FEE);
        vm.assertEq(address(inbox).balance, uint256(0));
        vm.assertEq(force(""), uint256(1));
    }

    function test_feeIsExact() public {
        bytes memory data = abi.encodeCall(IInbox.force, ("raw"));
        reverts(BOB, 0, address(inbox), data, abi.encodeWithSelector(IInbox.WrongFee.selector, 0, FEE));
        reverts(BOB, FEE + 1, address(inbox), data, abi.encodeWithSelector(IInbox.WrongFee.selector, FEE + 1, FEE));
    }

    function test_length() public {
        reverts(
            BOB,
            FEE,
            address(inbox),
            abi.encodeCall(IInbox.force, (new bytes(126_972))),
            abi.encodeWithSelector(IInbox.ForcedTooLong.selector, 126_972, 126_971)
        );
        force(new bytes(126_971));
    }

    function test_unknown() public {
        reverts(
            address(inbox),
            abi.encodeCall(IInbox.forcedHash, (0)),
            abi.encodeWithSelector(IInbox.UnknownForced.selector, 0, 0)
        );
    }
}

contract DepositTest is InboxBase {
    function refuses(address to, uint256 amount, bytes memory expected) private {
        reverts(BOB, amount, address(inbox), abi.encodeCall(IInbox.deposit, (to)), expected);
    }

    function test_queues() public {
        expectEvent(address(inbox));
        emit IInbox.Deposited(0, BOB, ALICE, 1e9);
        vm.assertEq(deposit(1 ether), uint256(0));
        vm.assertEq(inbox.depositAt(0).to, ALICE);
        vm.assertEq(inbox.depositAt(0).amountGwei, uint256(1e9));
        vm.assertEq(inbox.depositCount(), uint256(1));
        vm.assertEq(address(inbox).balance, 1 ether);
        vm.assertEq(deposit(MINIMUM * 1 gwei), uint256(1));
    }

    function test_wholeGwei() public {
        refuses(ALICE, 1 ether + 1, abi.encodeWithSelector(IInbox.NotWholeGwei.selector, 1 ether + 1));
    }

    function test_minimum() public {
        refuses(
            ALICE,
            MINIMUM * 1 gwei - 1 gwei,
            abi.encodeWithSelector(IInbox.DepositTooSmall.selector, MINIMUM - 1, MINIMUM)
        );
    }

    function test_fitsAnAmountOfEip4895() public {
        uint256 most = uint256(type(uint64).max);
        refuses(ALICE, (most + 1) * 1 gwei, abi.encodeWithSelector(IInbox.DepositTooLarge.selector, most + 1));
        deposit(most * 1 gwei);
        vm.assertEq(inbox.depositAt(0).amountGwei, most);
    }

    function test_recipient() public {
        refuses(address(0), 1 ether, abi.encodeWithSelector(IInbox.ZeroRecipient.selector));
    }

    function test_notIfATokenIsGas() public {
        inbox = deploy(ALICE, address(new Token()));
        refuses(ALICE, 1 ether, abi.encodeWithSelector(IInbox.WrongAsset.selector, inbox.config().gasToken));
    }

    function test_unknown() public {
        reverts(
            address(inbox),
            abi.encodeCall(IInbox.depositAt, (0)),
            abi.encodeWithSelector(IInbox.UnknownDeposit.selector, 0, 0)
        );
    }
}

/// @dev Takes `fee` units of every transfer, and calls back into `inbox` when told to.
contract Token is ERC20("Gas", "GAS") {
    uint256 public fee;
    IInbox private _reenter;

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function setFee(uint256 fee_) external {
        fee = fee_;
    }

    function setReenter(IInbox inbox) external {
        _reenter = inbox;
        _approve(address(this), address(inbox), type(uint256).max);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        super.transferFrom(from, to, amount - fee);
        if (address(_reenter) != address(0) && from != address(this)) _reenter.depositToken(address(1), 1e9);
        return true;
    }
}

contract DepositTokenTest is InboxBase {
    Token private token;

    function setUp() public override {
        super.setUp();
        token = new Token();
        inbox = deploy(ALICE, address(token));
        token.mint(BOB, 100 ether);
        vm.prank(BOB);
        token.approve(address(inbox), type(uint256).max);
    }

    function refuses(address to, uint64 amountGwei, bytes memory expected) private {
        reverts(address(inbox), abi.encodeCall(IInbox.depositToken, (to, amountGwei)), expected);
    }

    function test_queues() public {
        expectEvent(address(inbox));
        emit IInbox.Deposited(0, BOB, ALICE, 1e9);
        vm.prank(BOB);
        vm.assertEq(inbox.depositToken(ALICE, 1e9), uint256(0));
        vm.assertEq(inbox.depositAt(0).to, ALICE);
        vm.assertEq(inbox.depositAt(0).amountGwei, uint256(1e9));
        vm.assertEq(token.balanceOf(address(inbox)), 1 ether);
    }

    function test_feeOnTransfer() public {
        token.setFee(1);
        refuses(ALICE, 1e9, abi.encodeWithSelector(IInbox.WrongTransfer.selector, 1 ether, 1 ether - 1));
        vm.assertEq(inbox.depositCount(), uint256(0));
    }

    function test_reentrance() public {
        token.setReenter(inbox);
        token.mint(address(token), 100 ether);
        refuses(ALICE, 1e9, abi.encodeWithSelector(IInbox.WrongTransfer.selector, 1 ether, 2 ether));
    }

    function test_minimumAndRecipient() public {
        refuses(ALICE, MINIMUM - 1, abi.encodeWithSelector(IInbox.DepositTooSmall.selector, MINIMUM - 1, MINIMUM));
        refuses(address(0), 1e9, abi.encodeWithSelector(IInbox.ZeroRecipient.selector));
    }

    function test_notIfEtherIsGas() public {
        inbox = deploy(ALICE, address(0));
        refuses(ALICE, 1e9, abi.encodeWithSelector(IInbox.WrongAsset.selector, address(0)));
    }
}
