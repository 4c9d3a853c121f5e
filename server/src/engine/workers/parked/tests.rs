//! Who is woken, and who is not.

use futures::FutureExt as _;

use super::*;

const A: Kind<'_> = ("default", "a", "x");
const B: Kind<'_> = ("default", "b", "y");

fn demand(queues: &[&str], types: Option<&[&str]>) -> Demand {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Demand {
        namespace: "default".to_owned(),
        queues: names(queues),
        types: types.map(names),
    }
}

fn stands(parked: &Parked, queues: &[&str], types: Option<&[&str]>) -> Place {
    let place = parked.place(demand(queues, types), 2);
    place.stand();
    place
}

fn is_woken(place: &Place) -> bool {
    place.woken().now_or_never().is_some()
}

#[test]
fn the_longest_waiting_that_takes_it_is_woken_and_nobody_else() {
    let parked = Parked::default();
    let other_type = stands(&parked, &["a"], Some(&["z"]));
    let first = stands(&parked, &["b", "a"], Some(&["x"]));
    let second = stands(&parked, &["a"], None);
    parked.ready([A].into_iter());
    assert!(is_woken(&first) && !is_woken(&second) && !is_woken(&other_type));
    parked.ready([A].into_iter());
    assert!(is_woken(&second) && !is_woken(&first));
}

#[test]
fn one_call_is_woken_for_as_many_as_it_takes() {
    let parked = Parked::default();
    let first = stands(&parked, &["a"], None);
    let second = stands(&parked, &["a"], None);
    let third = stands(&parked, &["a"], None);
    parked.ready([A, A, A].into_iter());
    assert!(is_woken(&first) && is_woken(&second) && !is_woken(&third));
}

#[test]
fn a_call_that_leaves_hands_on_what_it_was_woken_for() {
    let parked = Parked::default();
    let first = stands(&parked, &["a", "b"], None);
    let of_b = stands(&parked, &["b"], None);
    let of_a = stands(&parked, &["a"], None);
    parked.ready([A].into_iter());
    drop(first);
    assert!(is_woken(&of_a) && !is_woken(&of_b));
}

#[test]
fn what_becomes_ready_while_a_call_looks_wakes_it_again() {
    let parked = Parked::default();
    let place = stands(&parked, &["b"], None);
    parked.ready([B].into_iter());
    assert!(is_woken(&place));
    place.stand();
    parked.ready([B].into_iter());
    place.looked([].into_iter());
    assert!(is_woken(&place));
    // It got that one: nobody is to be woken for it any more.
    place.stand();
    place.looked([B].into_iter());
    let other = stands(&parked, &["b"], None);
    drop(place);
    assert!(!is_woken(&other));
}

#[test]
fn a_call_that_got_other_tasks_hands_on_those_it_was_woken_for() {
    let parked = Parked::default();
    let first = stands(&parked, &["a", "b"], None);
    let of_b = stands(&parked, &["b"], Some(&["y"]));
    parked.ready([B].into_iter());
    first.stand();
    // Something more urgent came, and the call takes no more.
    first.looked([A].into_iter());
    drop(first);
    assert!(is_woken(&of_b));
}

#[test]
fn a_call_that_goes_while_it_looks_hands_on_too() {
    let parked = Parked::default();
    let first = stands(&parked, &["a"], None);
    let second = stands(&parked, &["a"], None);
    parked.ready([A].into_iter());
    first.stand();
    drop(first);
    assert!(is_woken(&second));
}

#[test]
fn who_did_not_come_to_what_is_there_looks_again_and_nobody_else() {
    let parked = Parked::default();
    let other = stands(&parked, &["a"], None);
    let place = stands(&parked, &["b", "a"], Some(&["x", "y"]));
    let same = demand(&["b", "a"], Some(&["x", "y"]));
    parked.again(&same, A);
    assert!(is_woken(&place) && !is_woken(&other));
    // There is nobody else like it; if it goes without a look, whoever takes that task is told.
    parked.again(&same, A);
    drop(place);
    assert!(is_woken(&other));
}

#[test]
fn a_commit_is_as_dear_as_what_it_wakes_however_many_wait() {
    let parked = Parked::default();
    let types: Vec<String> = (0..5_000).map(|n| format!("t{n}")).collect();
    let places: Vec<Place> = types
        .iter()
        .map(|name| stands(&parked, &["a"], Some(&[name])))
        .collect();
    // Walking all of them for each task would take 25,000,000 looks, and minutes in a test.
    let kinds = types.iter().map(|name| ("default", "a", name.as_str()));
    parked.ready(kinds);
    assert!(places.iter().all(is_woken));
    drop(places);
    assert!(parked.lines.lock().waiting.is_empty());
}
