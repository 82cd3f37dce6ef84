// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice Moves money as Tether does: six decimals, and no answers.
contract TetherLike {
    string public constant name = "Tether-like";
    string public constant symbol = "TTH";
    uint8 public constant decimals = 6;

    mapping(address who => uint256) public balanceOf;
    mapping(address who => mapping(address spender => uint256)) public allowance;

    constructor(address holder, uint256 supply) {
        balanceOf[holder] = supply;
    }

    function approve(address spender, uint256 amount) external {
        allowance[msg.sender][spender] = amount;
    }

    function transfer(address to, uint256 amount) external {
        _move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        _move(from, to, amount);
    }

    function _move(address from, address to, uint256 amount) internal virtual {
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// @notice Refuses to move nothing, as some tokens do.
contract Picky is TetherLike(address(0), 0) {
    function _move(address from, address to, uint256 amount) internal override {
        require(amount > 0);
        super._move(from, to, amount);
    }
}
