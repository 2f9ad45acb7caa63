//! Admission: order, bounds, leaving.

use engine::{Ask, Budget, Room};
use futures_util::FutureExt;
use proptest::prelude::*;

fn ask(what: &str, memory_bytes: u64, staging: bool) -> Ask {
    Ask { what: what.into(), memory_bytes, staging }
}

#[tokio::test]
async fn first_come_first_served_and_places_move_up() {
    let budget = Budget::new(Room { memory_bytes: 100, staging_slots: 1 });
    let first = budget.ask(ask("a", 60, false)).unwrap().admitted(|_| panic!("there was room")).await;
    let big = budget.ask(ask("b", 80, false)).unwrap();
    // There would be room for it, but it came later.
    let small = budget.ask(ask("c", 10, false)).unwrap();
    let position = |ticket: &engine::Ticket| ticket.place().map(|place| place.position);
    assert_eq!((position(&big), position(&small)), (Some(1), Some(2)));
    assert_eq!(budget.queue().iter().map(|waiting| waiting.what.as_str()).collect::<Vec<_>>(), ["b", "c"]);
    drop(big);
    assert_eq!(small.place(), None);
    drop((small.admitted(|_| {}).await, first));
    assert_eq!(budget.used().1, 0);
}

#[tokio::test]
async fn a_waiting_staging_run_keeps_no_instance_from_starting() {
    let budget = Budget::new(Room { memory_bytes: 100, staging_slots: 1 });
    let running = budget.ask(ask("first", 10, true)).unwrap().admitted(|_| {}).await;
    let mut places = Vec::new();
    let waiting = budget.ask(ask("second", 10, true)).unwrap();
    budget.ask(ask("instance", 10, false)).unwrap().admitted(|_| panic!("there is room")).await;
    assert_eq!(budget.queue()[0].waits_for, "a place to stage");
    let mut admitted = Box::pin(waiting.admitted(|place| places.push(place.to_string())));
    assert!(admitted.as_mut().now_or_never().is_none());
    drop(running);
    drop(admitted.await);
    assert_eq!(places, ["waits for a place to stage, place 1 in the queue"]);
}

#[test]
fn what_can_never_be_given_is_refused_in_words() {
    let budget = Budget::new(Room { memory_bytes: 2 << 30, staging_slots: 1 });
    let error = budget.ask(ask("a", 4 << 30, false)).map(|_| ()).unwrap_err().to_string();
    assert_eq!(
        error,
        "asks for 4 GB of memory, but this host gives applications 2 GB in all; ask for less, or have `pitlane serve --memory` raised"
    );
    assert!(Budget::memory_of_host().unwrap() > 1 << 28);
}

proptest! {
    /// Whoever asks, waits, leaves and gives back in whatever order: never too much is granted, and nothing gets lost.
    #[test]
    fn grants_stay_within_the_room(steps in proptest::collection::vec((0u8..4, 0u64..120, any::<bool>(), any::<prop::sample::Index>()), 0..80)) {
        let budget = Budget::new(Room { memory_bytes: 100, staging_slots: 2 });
        let (mut tickets, mut leases) = (Vec::new(), Vec::new());
        for (kind, memory, staging, index) in steps {
            match kind {
                0 | 1 => tickets.extend(budget.ask(ask("x", memory, staging)).ok()),
                2 if !tickets.is_empty() => drop(tickets.remove(index.index(tickets.len()))),
                3 if !leases.is_empty() => drop(leases.remove(index.index(leases.len()))),
                _ => {}
            }
            let (granted, waiting): (Vec<_>, Vec<_>) = tickets.into_iter().partition(|ticket| ticket.place().is_none());
            tickets = waiting;
            leases.extend(granted.into_iter().map(|ticket| ticket.admitted(|_| {}).now_or_never().unwrap()));
            let (room, memory, staging) = budget.used();
            prop_assert!(memory <= room.memory_bytes && staging <= room.staging_slots);
            prop_assert_eq!(budget.queue().len(), tickets.len());
        }
        leases.clear();
        for _ in 0..100 {
            let (granted, waiting): (Vec<_>, Vec<_>) = tickets.into_iter().partition(|ticket| ticket.place().is_none());
            tickets = waiting;
            drop(granted);
        }
        prop_assert!(tickets.is_empty());
        prop_assert_eq!((budget.used().1, budget.used().2), (0, 0));
    }
}
