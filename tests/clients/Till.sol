// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// What every client deploys and calls: something to read, to pay, to prove, to hear of, and to be refused by.
contract Till {
    uint256 public total; // slot 0
    bytes32 public blob; // slot 1
    mapping(address payer => uint256) public paid; // slot 2

    event Paid(address indexed payer, uint256 amount, string note);

    error TooLittle(uint256 given, uint256 wanted);

    function pay(string calldata note) external payable {
        require(bytes(note).length != 0, "no note");
        require(msg.value >= 1 gwei, TooLittle(msg.value, 1 gwei));
        total += msg.value;
        paid[msg.sender] += msg.value;
        emit Paid(msg.sender, msg.value, note);
    }

    function keepBlob() external {
        blob = blobhash(0);
    }
}
