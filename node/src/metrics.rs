//! All metrics of this crate.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering},
};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

/// A number that is set.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Counter {
    /// Adds one.
    pub fn increment(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// The number.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Gauge {
    /// Sets the number.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// The number.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

macro_rules! metrics {
    ($($(#[doc = $doc:literal])* $name:ident: $kind:ident,)*) => {
        /// What this crate counts.
        #[derive(Debug, Default)]
        pub struct Metrics {
            $($(#[doc = $doc])* pub $name: $kind,)*
        }

        impl Metrics {
            /// Prometheus' text format; every name starts with `recourse_node_`.
            #[must_use]
            pub fn render(&self) -> String {
                let mut text = String::new();
                $(
                    render(
                        &mut text,
                        concat!("recourse_node_", stringify!($name)),
                        stringify!($kind),
                        concat!($($doc),*),
                        self.$name.get(),
                    );
                )*
                text
            }
        }
    };
}

metrics! {
    /// Number of the newest L1 block read.
    l1_head: Gauge,
    /// Batches on L1.
    batches: Gauge,
    /// Batches derived.
    batches_derived: Gauge,
    /// Number of the newest L2 block derived.
    l2_head: Gauge,
    /// Attempts on L1, whatever became of them.
    attempts: Gauge,
    /// Failed attempts to follow L1.
    l1_failures: Counter,
    /// L1 reorgs that were followed, and re-readings after contradictory answers.
    l1_resets: Counter,
    /// Answers of beacon nodes that brought no blob.
    blob_failures: Counter,
    /// Failed attempts to derive a batch.
    derivation_failures: Counter,
    /// Transactions that were sent for the first time.
    transactions_sent: Counter,
    /// Transactions that were sent again with a higher fee.
    transactions_bumped: Counter,
    /// Transactions that were mined and did what they should.
    transactions_mined: Counter,
    /// Transactions that were mined and reverted.
    transactions_reverted: Counter,
    /// Transactions that L1 kept refusing until their nonces were filled.
    transactions_given_up: Counter,
    /// Transactions in flight or waiting for their turn.
    transactions_pending: Gauge,
}

/// Adds one metric in Prometheus' text format: its whole name, `Counter` or `Gauge`, what it says, and its value.
pub fn render(text: &mut String, name: &str, kind: &str, help: &str, value: u64) {
    let kind = kind.to_lowercase();
    let help = help.trim();
    // Writing to a string does not fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_render_as_prometheus_reads_them() {
        let metrics = Metrics::default();
        metrics.l1_head.set(7);
        metrics.l1_resets.increment();
        let text = metrics.render();
        assert!(
            text.contains("# HELP recourse_node_l1_head Number of the newest L1 block read.\n")
        );
        assert!(text.contains("# TYPE recourse_node_l1_head gauge\nrecourse_node_l1_head 7\n"));
        assert!(
            text.contains("# TYPE recourse_node_l1_resets counter\nrecourse_node_l1_resets 1\n")
        );
    }
}
