//! What both drivers of a call make of waits, deadlines, a manager that closes, and a strategy that
//! they can't serve. Futures are polled by hand on a manual clock, so nothing here waits.
#![cfg(feature = "runtime")]

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use failover::events::EventKind;
use failover::{Endpoint, ErrorKind, Manager, Request};

fn manager(auto_advance: bool, policy: &str) -> Manager {
    let document = format!(
        r#"{{"seed": 1, "clock": "manual", "auto_advance": {auto_advance}, "failover": {policy}}}"#
    );
    let manager = Manager::from_json(&document).expect("the document is valid");
    manager.register_endpoint(None, Endpoint::new("a", "s", "127.0.0.1", 1)).expect("a free id");
    manager
}

fn broken() -> Result<(), io::Error> {
    Err(io::Error::other("broken"))
}

/// Counts how often a future asked to be polled again.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn poll<F: Future>(future: Pin<&mut F>, woken: &Arc<Woken>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(&Waker::from(Arc::clone(woken))))
}

#[test]
fn a_future_that_waits_moves_an_auto_advancing_clock_itself() {
    let manager = manager(true, r#"{"backoff": "fixed", "retry_delay": "100ms"}"#);
    let pool = manager.pool(None, None).expect("the only service");
    let mut calls = 0;
    let mut call = pin!(pool.execute(Request::new(), |_| {
        calls += 1;
        std::future::ready(if calls == 1 { broken() } else { Ok(()) })
    }));

    let Poll::Ready(done) = poll(call.as_mut(), &Arc::default()) else { panic!("it hangs") };

    assert_eq!(done.expect("the second attempt succeeds").attempts, 2);
    assert_eq!(manager.clock().now(), 100_000_000);
}

#[test]
fn an_attempts_deadline_does_not_move_the_clock() {
    let manager = manager(true, "{}");
    let pool = manager.pool(None, None).expect("the only service");
    let mut call =
        pin!(pool.execute(Request::new(), |_| std::future::pending::<Result<(), io::Error>>()));

    assert!(poll(call.as_mut(), &Arc::default()).is_pending());

    assert_eq!(manager.clock().now(), 0);
}

#[test]
fn closing_ends_a_future_that_waits() {
    let manager = manager(false, r#"{"backoff": "fixed", "retry_delay": "100ms"}"#);
    let pool = manager.pool(None, None).expect("the only service");
    let mut call = pin!(pool.execute(Request::new(), |_| std::future::ready(broken())));
    let woken = Arc::default();
    assert!(poll(call.as_mut(), &woken).is_pending());

    manager.close(Duration::ZERO).expect("nothing is in flight");

    assert_eq!(woken.0.load(Ordering::Relaxed), 1, "nobody would poll it otherwise");
    let Poll::Ready(ended) = poll(call.as_mut(), &woken) else { panic!("it goes on waiting") };
    let failure = ended.expect_err("no attempt succeeded");
    assert_eq!((failure.kind(), failure.history.len()), (ErrorKind::Closed, 1));
}

#[test]
fn closing_ends_a_thread_that_waits() {
    let manager = manager(false, r#"{"backoff": "fixed", "retry_delay": "100ms"}"#);
    let pool = manager.pool(None, None).expect("the only service");
    let retries = manager.subscribe(&[EventKind::Retry], 1);

    let failure = std::thread::scope(|scope| {
        let call = scope.spawn(|| pool.execute_blocking(Request::new(), |_| broken()));
        assert_eq!(retries.poll(1, Duration::from_secs(60)).len(), 1, "a wait follows");
        manager.close(Duration::ZERO).expect("nothing is in flight");
        call.join().expect("it ends").expect_err("no attempt succeeded")
    });

    assert_eq!((failure.kind(), failure.history.len()), (ErrorKind::Closed, 1));
}

#[test]
fn no_attempt_follows_one_that_failed_after_the_manager_closed() {
    let manager = manager(false, r#"{"retry_delay": "0s"}"#);
    let pool = manager.pool(None, None).expect("the only service");

    let failure = pool
        .execute_blocking(Request::new(), |_| {
            let open = manager.close(Duration::ZERO).map_err(|error| error.kind());
            assert_eq!(open, Err(ErrorKind::Busy), "this attempt is open");
            broken()
        })
        .expect_err("no attempt succeeded");

    assert_eq!((failure.kind(), failure.history.len()), (ErrorKind::Closed, 1));
    assert!(failure.last.is_some());
}

#[test]
fn an_attempt_that_was_cut_off_leaves_no_error_of_an_earlier_one() {
    let manager =
        manager(false, r#"{"retry_delay": "0s", "attempt_timeout": "1s", "max_retries": 1}"#);
    let pool = manager.pool(None, None).expect("the only service");
    let mut calls = 0;
    let mut call = pin!(pool.execute(Request::new(), |_| {
        calls += 1;
        let is_first = calls == 1;
        async move { if is_first { broken() } else { std::future::pending().await } }
    }));
    assert!(poll(call.as_mut(), &Arc::default()).is_pending());

    manager.advance(Duration::from_secs(1)).expect("a manual clock");

    let Poll::Ready(ended) = poll(call.as_mut(), &Arc::default()) else { panic!("it hangs") };
    let failure = ended.expect_err("both attempts failed");
    assert_eq!((failure.kind(), failure.history.len()), (ErrorKind::AttemptsExhausted, 2));
    assert!(failure.last.is_none(), "{failure}");
}

#[test]
fn a_custom_strategy_is_refused_in_words_and_counted() {
    let manager = manager(false, r#"{"strategy": "custom"}"#);
    let pool = manager.pool(None, None).expect("the only service");

    let blocking = pool.execute_blocking(Request::new(), |_| Ok::<_, io::Error>(()));
    let mut call = pin!(pool.execute(Request::new(), |_| std::future::ready(broken())));
    let Poll::Ready(future) = poll(call.as_mut(), &Arc::default()) else { panic!("it hangs") };

    for failure in [blocking.map(drop), future.map(drop)].map(Result::unwrap_err) {
        assert_eq!(failure.kind(), ErrorKind::InvalidState);
        assert!(failure.to_string().contains("the strategy \"custom\" needs"), "{failure}");
    }
    assert_eq!(pool.stats()["failed_requests"], 2);
}
