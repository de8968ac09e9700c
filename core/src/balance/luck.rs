//! What a pick leaves to turn and chance: the thread's place in the rota, the call's own draws.

use std::sync::atomic::{AtomicU64, Ordering};

use super::round_robin::Rota;
use crate::endpoint::EndpointId;
use crate::rng::Rng;
use crate::stats::{Count, Mine, Stripe};

/// One thread stripe's part of a pool: the turn of round robin, and the number of the next call
/// that draws. A cache line.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    pub(crate) turns: Count,
    pub(crate) draws: Count,
    /// Turns of requests that not every usable endpoint fits, by their kind: two kinds that share turns
    /// may keep each other from an endpoint, as reads and writes that alternate would.
    asides: [Count; 5],
    /// Whose turn was left out though it is due, since the request could not afford the probe: the next
    /// that can takes it first. Else it might come whenever another one has the turn, and the endpoint
    /// would be forgotten. The machine's own atomic: no order follows from it, so no model has to explore it.
    owed: AtomicU64,
}

/// The calling thread's stripe of a pool.
#[derive(Debug)]
pub(crate) struct Spot<'a> {
    pub(crate) stripe: Stripe,
    pub(crate) lane: Mine<'a, Lane>,
    /// How many stripes there are, as a power of two.
    pub(crate) stripe_bits: u32,
    /// Read by who draws alone.
    pub(crate) seed: &'a AtomicU64,
}

/// What a pick leaves to turn and chance, taken once however far it goes down the ladder.
#[derive(Debug)]
pub(crate) struct Luck<'a> {
    spot: Spot<'a>,
    draws: Option<Rng>,
    turn: Option<u64>,
    /// Turns after it that nobody takes, since they are those of unusable endpoints.
    skipped: u64,
    drawn: [Option<u64>; 2],
    /// An explanation leaves turn and chance as they are.
    is_dry: bool,
}

impl<'a> Luck<'a> {
    /// The luck of a call that drew this far; `None` for one that never did.
    #[inline]
    pub(crate) const fn new(spot: Spot<'a>, draws: Option<Rng>) -> Self {
        Self { spot, draws, turn: None, skipped: 0, drawn: [None, None], is_dry: false }
    }

    /// What a pick would get now, without taking it.
    pub(crate) const fn dry(spot: Spot<'a>) -> Self {
        Self { is_dry: true, ..Self::new(spot, None) }
    }

    /// Whose copies the pick writes.
    #[inline]
    pub(crate) const fn stripe(&self) -> Stripe {
        self.spot.stripe
    }

    /// How far the call has drawn, for its next pick.
    #[inline]
    pub(crate) fn into_draws(self) -> Option<Rng> {
        self.draws
    }

    /// The pick's turn: the stripe's next, begun at the stripe's own share of the rota.
    #[expect(clippy::inline_always, reason = "a call would pass it all through memory")]
    #[inline(always)]
    pub(crate) fn turn(&mut self, length: usize) -> u64 {
        let spot = &self.spot;
        // A shift, since a division would cost as much as the rest.
        let start = (spot.lane.number * length) >> spot.stripe_bits;
        let step = u64::from(!self.is_dry);
        let count = *self.turn.get_or_insert_with(|| spot.lane.turns.add(step, spot.lane.is_alone));
        count.wrapping_add(start as u64)
    }

    /// The pick's turn among those of its kind.
    pub(crate) fn turn_aside(&mut self, kind: u64) -> u64 {
        let spot = &self.spot;
        let step = u64::from(!self.is_dry);
        let (which, _) = crate::rng::scale(crate::rng::mix(kind), spot.lane.asides.len() as u64);
        let turns = &spot.lane.asides[usize::try_from(which).unwrap_or(0)];
        *self.turn.get_or_insert_with(|| turns.add(step, spot.lane.is_alone))
    }

    /// Leaves out turns of this pick for good: the next pick begins after them. However often the
    /// same pick looks again, it counts from its own turn.
    pub(crate) fn skip(&mut self, turns: u64) {
        let more = turns.saturating_sub(self.skipped);
        self.skipped += more;
        if more > 0 && !self.is_dry {
            self.spot.lane.turns.add(more, self.spot.lane.is_alone);
        }
    }

    /// True if somebody is owed a turn.
    #[inline]
    pub(crate) fn owes(&self) -> bool {
        self.owed() != EndpointId::NONE
    }

    /// The endpoint that is owed a turn, or none.
    #[inline]
    pub(crate) fn owed(&self) -> EndpointId {
        EndpointId::from_bits(self.spot.lane.owed.load(Ordering::Relaxed))
    }

    /// Notes who is owed a turn from now on.
    pub(crate) fn owe(&self, id: EndpointId) {
        if !self.is_dry {
            self.spot.lane.owed.store(id.bits(), Ordering::Relaxed);
        }
    }

    /// The entry of the rota whose turn it is, eligible or not.
    #[expect(clippy::inline_always, reason = "a call would pass it all through memory")]
    #[inline(always)]
    pub(crate) fn whose_turn(&mut self, rota: &Rota) -> Option<u32> {
        rota.at(self.turn(rota.len()))
    }

    /// The pick's first or second draw from the call's own stream.
    #[expect(clippy::inline_always, reason = "a call would pass it all through memory")]
    #[inline(always)]
    pub(crate) fn draw(&mut self, which: usize) -> u64 {
        let (spot, draws) = (&self.spot, &mut self.draws);
        let step = u64::from(!self.is_dry);
        *self.drawn[which].get_or_insert_with(|| spot.stream(draws, step).draw())
    }

    #[expect(clippy::inline_always, reason = "a call would pass it all through memory")]
    #[inline(always)]
    pub(crate) fn both(&mut self) -> (u64, u64) {
        (self.draw(0), self.draw(1))
    }
}

impl Spot<'_> {
    /// The call's own stream of draws, begun when it first needs one.
    #[inline]
    pub(crate) fn stream<'a>(&self, draws: &'a mut Option<Rng>, step: u64) -> &'a mut Rng {
        draws.get_or_insert_with(|| {
            let ordinal = self.lane.draws.add(step, self.lane.is_alone);
            Rng::new(self.seed.load(Ordering::Relaxed), self.lane.number as u64, ordinal)
        })
    }
}
