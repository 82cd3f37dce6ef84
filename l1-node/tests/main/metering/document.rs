//! The tables of docs/execute-gas.md are what the model computes.

use super::{
    callers::nonsense,
    model::{self, EXCESS_MAX, LIMIT, TARGET},
};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/execute-gas.md");
/// Slots of an hour on mainnet.
const BLOCKS_PER_HOUR: u64 = 300;

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Excess and block after each full block from an idle chain on.
fn climb() -> Vec<u64> {
    let mut all = vec![0];
    while *all.last().unwrap() < EXCESS_MAX {
        all.push(model::next_excess(*all.last().unwrap(), LIMIT));
    }
    all
}

/// L1 gas of the cheapest transaction that declares so much: an empty trace, sent directly.
fn spam(excess: u64, declared: u64) -> u64 {
    let input = nonsense(declared);
    let zeros = input.iter().filter(|byte| **byte == 0).count() as u64;
    let calldata = 4 * zeros + 16 * (input.len() as u64 - zeros);
    21_000 + calldata + model::nonsense(excess, declared)
}

/// Ether for so much L1 gas at a base fee of 1 gwei.
fn ether(gas: u64) -> String {
    format!("{:.3}", gas as f64 / 1e9)
}

fn rates() -> String {
    let mut rows =
        "| full blocks since idle | r | L1 gas per L2 gas | 21,000 L2 gas | 2^24 L2 gas |\n|---|---|---|---|---|\n"
            .to_owned();
    for (blocks, excess) in climb().into_iter().enumerate() {
        if blocks % 4 > 0 {
            continue;
        }
        let r = model::r(excess);
        rows += &format!(
            "| {blocks} | {} | {:.4} | {} | {} |\n",
            grouped(r),
            r as f64 / f64::from(1 << 30),
            grouped(model::execution(excess, 21_000)),
            grouped(model::execution(excess, 1 << 24)),
        );
    }
    rows
}

fn spammer() -> String {
    let climb: Vec<u64> = climb();
    let up: u64 = climb[..climb.len() - 1].iter().map(|excess| spam(*excess, LIMIT)).sum();
    let hourly = |declared| BLOCKS_PER_HOUR * spam(EXCESS_MAX, declared);
    let rows = [
        ("raise the rate from 1/64 to 1/4, once (24 full blocks, 4.8 minutes)", up),
        (
            "hold it there, an hour (2^23 a block: everybody else still has three quarters)",
            hourly(TARGET),
        ),
        ("and leave no room for a step of 2^24, an hour (2^24 + 1 a block)", hourly(LIMIT / 2 + 1)),
        ("and leave no room at all, an hour (2^25 a block)", hourly(LIMIT)),
        ("the same for 1.5 days, a RESPONSE_PERIOD", 36 * hourly(LIMIT)),
        ("the same for 7 days, a CHALLENGE_WINDOW", 168 * hourly(LIMIT)),
    ];
    let mut text = "| to | L1 gas | ether at 1 gwei | at 10 gwei |\n|---|---|---|---|\n".to_owned();
    for (what, gas) in rows {
        text += &format!("| {what} | {} | {} | {} |\n", grouped(gas), ether(gas), ether(gas * 10));
    }
    text
}

fn constants() -> String {
    let fraction = (LIMIT - TARGET) as f64 / 1.125_f64.ln();
    let full = model::r(LIMIT - TARGET) as f64 / model::r(0) as f64;
    let idle = model::r(400_000_000 - TARGET) as f64 / model::r(400_000_000) as f64;
    let down = EXCESS_MAX.div_ceil(TARGET);
    format!(
        "| (2^25 - 2^23) / ln(1.125) | {} |\n|---|---|\n\
         | a full block multiplies the rate by | {full:.5} |\n\
         | an empty block multiplies it by | {idle:.5} |\n\
         | EXCESS_MAX | {} |\n\
         | full blocks from 1/64 to 1/4 | {} |\n\
         | empty blocks from 1/4 to 1/64 | {down} |\n",
        grouped(fraction as u64),
        grouped(EXCESS_MAX),
        climb().len() - 1,
    )
}

#[test]
fn the_tables_of_the_document_are_computed() {
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    for (name, table) in [("rates", rates()), ("spammer", spammer()), ("constants", constants())] {
        let wanted = format!("<!-- computed: {name} -->\n{table}<!-- end -->");
        assert!(document.contains(&wanted), "docs/execute-gas.md should have:\n{wanted}");
    }
}
