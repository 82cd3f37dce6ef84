//! What was measured, as tables and as lines `ratio NAME X`.

use std::{collections::BTreeMap, fmt, path::Path, time::Duration};

use crate::{
    case::Case,
    measure::{RowTimes, Stat, Times},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Mainnet,
    Synthetic,
}

struct Row {
    kind: Kind,
    name: String,
    transactions: usize,
    gas: u64,
    times: Times,
}

/// All that was measured.
pub(crate) struct Report {
    threads: Vec<usize>,
    /// Milliseconds that another engine takes, by name.
    peers: BTreeMap<String, f64>,
    rows: Vec<Row>,
    /// Rows of blocks, by name: how many, and what they take.
    series: Vec<(&'static str, usize, RowTimes)>,
    skipped: Vec<String>,
}

impl Report {
    pub(crate) fn new(threads: Vec<usize>, peers: BTreeMap<String, f64>) -> Self {
        Self { threads, peers, rows: Vec::new(), series: Vec::new(), skipped: Vec::new() }
    }

    pub(crate) fn add(&mut self, kind: Kind, case: &Case, times: Times) {
        self.rows.push(Row {
            kind,
            name: case.name.clone(),
            transactions: case.txs.len(),
            gas: case.gas_used,
            times,
        });
    }

    pub(crate) fn add_row(&mut self, name: &'static str, blocks: usize, times: RowTimes) {
        self.series.push((name, blocks, times));
    }

    pub(crate) fn skip(&mut self, path: &Path, why: &eyre::Report) {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        self.skipped.push(format!("{}: {why}", name.unwrap_or_default()));
    }

    fn of(&self, kind: Kind) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.kind == kind)
    }

    fn ratio(&self, f: &mut fmt::Formatter<'_>, name: &str, ratio: Option<f64>) -> fmt::Result {
        match ratio.filter(|ratio| ratio.is_finite()) {
            Some(ratio) => writeln!(f, "ratio {name} {ratio:.3}"),
            None => Ok(()),
        }
    }

    /// The sum of a kind's times over that of our most threads, as far as both are known.
    fn total(&self, kind: Kind, of: impl Fn(&Row) -> Option<f64>) -> Option<f64> {
        let both = self.of(kind).filter_map(|row| of(row).zip(row.times.ours.last()));
        let (theirs, ours) = both.fold((0.0, 0.0), |(theirs, ours), (one, other)| {
            (theirs + one, ours + ms(other.median))
        });
        Some(theirs / ours)
    }

    /// Says what the peer's file lacks, and what it has that was not run.
    fn peers(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.peers.is_empty() {
            return Ok(());
        }
        for row in self.rows.iter().filter(|row| self.peer(row).is_none()) {
            writeln!(f, "no peer time for {}: not part of the ratios to the peer", row.name)?;
        }
        let ran = |name: &String| self.rows.iter().any(|row| row.name == *name);
        for name in self.peers.keys().filter(|name| !ran(name)) {
            writeln!(f, "a peer time for {name}, which did not run here")?;
        }
        Ok(())
    }

    fn one(&self, name: &str, of: impl Fn(&Row) -> Option<f64>) -> Option<f64> {
        let row = self.rows.iter().find(|row| row.name == name)?;
        Some(of(row)? / ms(row.times.ours.last()?.median))
    }

    fn peer(&self, row: &Row) -> Option<f64> {
        self.peers.get(&row.name).copied()
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "| block | transactions | Mgas | plain revm, ms |")?;
        for threads in &self.threads {
            write!(f, " {threads} threads |")?;
        }
        writeln!(
            f,
            " again | plain / ours | least times: plain / ours | cores busy: ours / plain | peer, ms |"
        )?;
        write!(f, "|---|--:|--:|--:|")?;
        self.threads.iter().try_for_each(|_| write!(f, "--:|"))?;
        writeln!(f, "--:|--:|--:|--:|--:|")?;
        for row in &self.rows {
            self.row(f, row)?;
        }
        for kind in [Kind::Mainnet, Kind::Synthetic] {
            self.sum(f, kind)?;
        }
        for skipped in &self.skipped {
            writeln!(f, "skipped {skipped}")?;
        }
        self.peers(f)?;
        self.ratios(f)?;
        self.series.iter().try_for_each(|(name, blocks, times)| self.hints(f, name, *blocks, times))
    }
}

impl Report {
    fn row(&self, f: &mut fmt::Formatter<'_>, row: &Row) -> fmt::Result {
        let Times { plain, ours, again, .. } = &row.times;
        let mgas = row.gas as f64 / 1e6;
        write!(f, "| {} | {} | {mgas:.1} | {:.3} |", row.name, row.transactions, ms(plain.median))?;
        for ours in ours {
            write!(f, " {:.3} |", ms(ours.median))?;
        }
        let last = ours.last().copied().unwrap_or_default();
        let ratio = |of: fn(&Stat) -> Duration| ms(of(plain)) / ms(of(&last));
        write!(
            f,
            " {again:.0} | {:.2} | {:.2} | {:.2} |",
            ratio(|stat| stat.median),
            ratio(|stat| stat.least),
            ms(last.busy) / ms(plain.busy)
        )?;
        match self.peer(row) {
            Some(peer) => writeln!(f, " {peer:.3} |"),
            None => writeln!(f, " |"),
        }
    }

    fn sum(&self, f: &mut fmt::Formatter<'_>, kind: Kind) -> fmt::Result {
        if self.of(kind).next().is_none() {
            return Ok(());
        }
        let sum = |of: &dyn Fn(&Times) -> Duration| -> f64 {
            self.of(kind).map(|row| ms(of(&row.times))).sum()
        };
        write!(
            f,
            "sum of {kind:?}, ms: plain {:.1} (least {:.1})",
            sum(&|t| t.plain.median),
            sum(&|t| t.plain.least)
        )?;
        for (index, threads) in self.threads.iter().enumerate() {
            let (median, least) = (sum(&|t| t.ours[index].median), sum(&|t| t.ours[index].least));
            write!(f, "; {threads} threads {median:.1} (least {least:.1})")?;
        }
        writeln!(f)
    }

    /// What is gained by what blocks teach the next ones.
    fn hints(
        &self,
        f: &mut fmt::Formatter<'_>,
        name: &str,
        blocks: usize,
        times: &RowTimes,
    ) -> fmt::Result {
        let RowTimes { forgotten, kept, again: [without, with] } = times;
        let (forgotten, kept) = (ms(*forgotten), ms(*kept));
        writeln!(
            f,
            "{blocks} blocks of {name}: {forgotten:.3} ms with hints forgotten before each, {without:.0} ran again; \
             kept {kept:.3} ms, {with:.0} ran again"
        )?;
        let name = name.replace([' ', '-', ','], "_").replace("__", "_").to_lowercase();
        self.ratio(f, &format!("hints_{name}"), Some(forgotten / kept))
    }

    fn ratios(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |row: &Row| Some(ms(row.times.plain.median));
        let peer = |row: &Row| self.peer(row);
        self.ratio(f, "mainnet_vs_pevm", self.total(Kind::Mainnet, peer))?;
        self.ratio(f, "mainnet_vs_sequential", self.total(Kind::Mainnet, plain))?;
        let worst = self
            .of(Kind::Mainnet)
            .filter_map(|row| Some(ms(row.times.plain.median) / ms(row.times.ours.last()?.median)))
            .min_by(f64::total_cmp);
        self.ratio(f, "worst_block_vs_sequential", worst)?;
        self.ratio(f, "raw_vs_pevm", self.one("raw transfers", peer))?;
        self.ratio(f, "erc20_vs_pevm", self.one("ERC-20, disjoint", peer))?;
        self.ratio(f, "uniswap_vs_sequential", self.one("Uniswap-like, independent", plain))?;
        self.ratio(f, "uniswap_vs_pevm", self.one("Uniswap-like, independent", peer))?;
        for (name, block) in [
            ("raw_to_others_vs_pevm", "raw transfers to others"),
            ("raw_to_one_vs_pevm", "raw transfers to one"),
            ("erc20_clustered_vs_pevm", "ERC-20, clustered"),
            ("hot_pool_vs_pevm", "Uniswap-like, one hot pool"),
            ("serial_chain_vs_pevm", "one serial chain"),
        ] {
            self.ratio(f, name, self.one(block, peer))?;
        }
        self.ratio(f, "serial_chain_vs_sequential", self.one("one serial chain", plain))?;
        // What as many plain revms at once would bring, each with a block of its own.
        let apart = |row: &Row| ms(row.times.plain.median) / ms(row.times.apart);
        let (mut alone, mut at_once) = (0.0, 0.0);
        for row in self.of(Kind::Mainnet) {
            alone += ms(row.times.plain.median);
            at_once += ms(row.times.apart);
        }
        self.ratio(f, "mainnet_apart_vs_sequential", Some(alone / at_once))?;
        for (name, block) in [
            ("raw_apart_vs_sequential", "raw transfers"),
            ("erc20_apart_vs_sequential", "ERC-20, disjoint"),
            ("uniswap_apart_vs_sequential", "Uniswap-like, independent"),
        ] {
            let row = self.rows.iter().find(|row| row.name == block);
            self.ratio(f, name, row.map(apart))?;
        }
        // What more threads bring to what is independent.
        let one_thread = |row: &Row| Some(ms(row.times.ours.first()?.median));
        self.ratio(f, "raw_threads", self.one("raw transfers", one_thread))?;
        self.ratio(f, "uniswap_threads", self.one("Uniswap-like, independent", one_thread))
    }
}
