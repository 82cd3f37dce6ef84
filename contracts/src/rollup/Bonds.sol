// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../interfaces/IRollup.sol";
import {Burn} from "../libraries/Burn.sol";
import {Claims} from "./Claims.sol";

/// @title The money behind claims and challenges
/// @notice Ether in is ether owed, held as a bond of something unsettled, paid out, or burned. Every bond is settled once:
/// | fate of the attempt | its bond | challenge bonds against it |
/// |---|---|---|
/// | confirmed (it or a sibling) | back | to the attempt's beneficiary |
/// | dead | half, rounded down, to those on the bill of the step, then to the challenger or the prover's beneficiary; the rest burned | back |
/// | contradicted | burned | back |
/// | void | back | back |
abstract contract Bonds is Claims {
    mapping(address who => uint256) private _owed;

    /// @inheritdoc IRollup
    function markVoid(bytes32 content) public {
        Content storage c = _knownContent(content);
        require(!c.voided && _isVoid(c), NotVoid(content));
        _recordVoid(c, content);
    }

    /// @inheritdoc IRollup
    function settleAttempt(bytes32 attempt) external {
        Fate fate = _fate(attempt);
        Attempt storage a = _attempts[attempt];
        require(fate != Fate.Pending, FateUndecided(attempt));
        require(!a.settled, AlreadySettled(attempt));

        a.settled = true;
        uint256 paid = fate == Fate.Contradicted ? 0 : a.bond;
        uint256 burnt = fate == Fate.Contradicted ? a.bond : 0;
        if (fate == Fate.Confirmed) {
            a.status = Status.Confirmed;
            paid += a.challengeBonds;
        } else if (fate == Fate.Void && !_contents[a.content].voided) {
            // So that those who built on this content need no call of their own.
            _recordVoid(_contents[a.content], a.content);
        }
        _credit(a.beneficiary, paid);
        emit Settled(attempt, a.beneficiary, paid, burnt);

        Burn.burn(burnt);
    }

    /// @inheritdoc IRollup
    function settleChallenge(bytes32 attempt, bytes32 segmentId) external {
        Challenge storage c = _challengeAgainst(attempt, segmentId);
        Fate fate = _fate(attempt);
        require(fate != Fate.Pending, FateUndecided(attempt));
        require(fate != Fate.Confirmed, ChallengeLost(segmentId));
        require(!c.settled, AlreadySettled(segmentId));

        c.settled = true;
        _credit(c.challenger, c.bond);
        emit Settled(segmentId, c.challenger, c.bond, 0);
    }

    /// @inheritdoc IRollup
    function withdraw(address to) external returns (uint256 amount) {
        require(to != address(0), ZeroRecipient());
        amount = _owed[msg.sender];
        require(amount > 0, NothingOwed(msg.sender));

        _owed[msg.sender] = 0;
        emit Withdrawn(msg.sender, to, amount);

        (bool success,) = to.call{value: amount}("");
        require(success, TransferFailed(to, amount));
    }

    /// @inheritdoc IRollup
    function owed(address who) external view returns (uint256) {
        return _owed[who];
    }

    /// @dev Ends a pending attempt. Half of the bond at least is burned, so that killing oneself is no way to get it back.
    /// @param spent Of the other half, what posters of chunks were credited.
    function _die(bytes32 attempt, bytes32 segmentId, address beneficiary, bool byTimeout, uint128 spent) internal {
        Attempt storage a = _attempts[attempt];
        uint128 reward = a.bond / 2 - spent;
        uint128 burnt = a.bond - a.bond / 2;

        a.status = Status.Dead;
        a.settled = true;
        _contents[a.content].liveAttempts -= 1;
        _credit(beneficiary, reward);
        emit Died(attempt, segmentId, beneficiary, byTimeout, reward, burnt);

        Burn.burn(burnt);
    }

    function _credit(address who, uint256 amount) internal {
        _owed[who] += amount;
    }

    /// @dev The challenge of `segmentId`, which must be one against `attempt`: else a late answer of one attempt could be held
    /// against another.
    function _challengeAgainst(bytes32 attempt, bytes32 segmentId) internal view returns (Challenge storage c) {
        c = _challenges[segmentId];
        require(c.challenger != address(0) && c.attempt == attempt, NotChallenged(segmentId));
    }

    function _recordVoid(Content storage c, bytes32 content) private {
        c.voided = true;
        emit Voided(content);
    }
}
