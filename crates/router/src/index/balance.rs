//! Which instance gets the next request.

use super::Endpoint;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The longest turn of weighted round-robin; weights beyond it are scaled down.
const TURN: u64 = 1000;

/// The instances of one route and the turn they take.
pub(crate) struct Balance {
    endpoints: Vec<Arc<Endpoint>>,
    /// Positions in `endpoints`, each as often as its weight says and spread evenly. Empty when all weigh the same.
    turn: Vec<u16>,
    next: AtomicUsize,
    least: bool,
}

impl Balance {
    pub(crate) fn new(balancing: Option<&str>, endpoints: Vec<Arc<Endpoint>>) -> Self {
        let weights: Vec<u64> = endpoints.iter().map(|endpoint| u64::from(endpoint.weight())).collect();
        let even = weights.windows(2).all(|pair| pair[0] == pair[1]);
        let turn = if even { Vec::new() } else { spread(&weights) };
        Self { endpoints, turn, next: AtomicUsize::new(0), least: balancing == Some("least-connection") }
    }

    pub(crate) fn endpoints(&self) -> &[Arc<Endpoint>] {
        &self.endpoints
    }

    /// The next instance that is not in `tried`; ejected ones only when no other is left. An instance of weight 0 gets
    /// nothing while another has weight.
    pub(crate) fn pick(&self, tried: &[u64]) -> Option<&Arc<Endpoint>> {
        let usable = |endpoint: &&Arc<Endpoint>| !tried.contains(&endpoint.id) && !endpoint.is_ejected();
        let start = self.next.fetch_add(1, Relaxed);
        if self.least { self.least_loaded(start, usable) } else { self.in_turn(start, usable) }
            .or_else(|| self.rotated(start).find(|endpoint| !tried.contains(&endpoint.id)))
    }

    fn in_turn(&self, start: usize, usable: impl FnMut(&&Arc<Endpoint>) -> bool) -> Option<&Arc<Endpoint>> {
        if self.turn.is_empty() {
            return self.rotated(start).find(usable);
        }
        let len = self.turn.len();
        (0..len).map(|step| &self.endpoints[usize::from(self.turn[(start % len + step) % len])]).find(usable)
    }

    /// Fewest requests for its weight; equals take turns.
    fn least_loaded(&self, start: usize, usable: impl FnMut(&&Arc<Endpoint>) -> bool) -> Option<&Arc<Endpoint>> {
        let load = |endpoint: &&Arc<Endpoint>| match endpoint.weight() {
            0 => u64::MAX,
            weight => (endpoint.in_flight() as u64 + 1) * TURN / u64::from(weight),
        };
        self.rotated(start).filter(usable).min_by_key(load)
    }

    fn rotated(&self, start: usize) -> impl Iterator<Item = &Arc<Endpoint>> {
        let len = self.endpoints.len();
        (0..len).map(move |step| &self.endpoints[(start % len + step) % len])
    }
}

/// Smooth weighted round-robin, written out as one whole turn.
fn spread(weights: &[u64]) -> Vec<u16> {
    let divisor = weights.iter().copied().fold(0, gcd).max(1);
    let mut weights: Vec<u64> = weights.iter().map(|weight| weight / divisor).collect();
    let total: u64 = weights.iter().sum();
    if total > TURN {
        // Whoever has weight keeps some.
        weights.iter_mut().filter(|weight| **weight > 0).for_each(|weight| *weight = (*weight * TURN / total).max(1));
    }
    let total: i64 = weights.iter().sum::<u64>() as i64;
    let mut credit = vec![0_i64; weights.len()];
    let mut turn = Vec::with_capacity(total as usize);
    for _ in 0..total {
        credit.iter_mut().zip(&weights).for_each(|(credit, weight)| *credit += *weight as i64);
        // The first of the richest.
        let (richest, _) = credit.iter().enumerate().rev().max_by_key(|(_, credit)| **credit).unwrap_or((0, &0));
        credit[richest] -= total;
        turn.push(richest as u16);
    }
    turn
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn weights_are_spread_evenly_over_a_turn() {
        let cases: [(&[u64], &[u16]); 4] =
            [(&[5, 1, 1], &[0, 0, 1, 0, 2, 0, 0]), (&[20, 10], &[0, 1, 0]), (&[0, 3], &[1]), (&[0, 0], &[])];
        for (weights, turn) in cases {
            assert_eq!(spread(weights), turn, "{weights:?}");
        }
        let scaled = spread(&[1, 1_000_000]);
        assert_eq!((scaled.len(), scaled.iter().filter(|one| **one == 0).count()), (1000, 1));
    }
}
