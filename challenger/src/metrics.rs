//! All metrics of this crate.

use std::fmt::Write as _;

use recourse_node::metrics::{Counter, Gauge};

macro_rules! metrics {
    ($($(#[doc = $doc:literal])* $name:ident: $kind:ident,)*) => {
        /// What the watchtower counts.
        #[derive(Debug, Default)]
        pub(crate) struct Metrics {
            $($(#[doc = $doc])* pub(crate) $name: $kind,)*
        }

        impl Metrics {
            /// Prometheus' text format; every name starts with `recourse_challenger_`.
            pub(crate) fn render(&self) -> String {
                let mut text = String::new();
                $(
                    let (name, kind) = (stringify!($name), stringify!($kind).to_lowercase());
                    // Writing to a string does not fail.
                    let _ = writeln!(
                        text,
                        "# HELP recourse_challenger_{name} {}\n# TYPE recourse_challenger_{name} {kind}\n\
                         recourse_challenger_{name} {}",
                        concat!($($doc),*).trim(),
                        self.$name.get(),
                    );
                )*
                text
            }
        }
    };
}

metrics! {
    /// Rounds of planning.
    rounds: Counter,
    /// Live attempts of false contents.
    false_attempts: Gauge,
    /// Of these, those that nobody opposes although it is late.
    false_unopposed: Gauge,
    /// Confirmed contents that are false: the game is lost.
    false_confirmed: Gauge,
    /// Live attempts that can't be judged yet.
    unjudged_attempts: Gauge,
    /// Moves planned in the last round.
    moves_planned: Gauge,
    /// Moves that were mined.
    moves_made: Counter,
    /// Moves that could not be built, were refused in simulation, or failed on L1.
    moves_failed: Counter,
    /// Histories and revealed blobs that could not be had.
    errands_failed: Counter,
    /// Own balance in gwei.
    balance_gwei: Gauge,
    /// Problems of /health; 0 is healthy.
    problems: Gauge,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_as_prometheus_reads_it() {
        let metrics = Metrics::default();
        metrics.rounds.increment();
        let text = metrics.render();
        assert!(text.starts_with(
            "# HELP recourse_challenger_rounds Rounds of planning.\n\
             # TYPE recourse_challenger_rounds counter\nrecourse_challenger_rounds 1\n"
        ));
    }
}
