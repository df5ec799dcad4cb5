//! Faults of messages and SIMs that only the scheduler can bear: F-73.

use super::*;

/// F-73: it waits longer and longer, and the others pass.
#[tokio::test]
async fn a_message_that_always_fails_holds_nobody_up() {
    for (name, end) in [
        ("refused by the network", SendOutcome::Rejected { code: 21 }),
        ("refused by the centre", SendOutcome::Rejected { code: 38 }),
        ("nobody knows", SendOutcome::Rejected { code: 500 }),
    ] {
        let mut stage = Stage::new(1, Config::default());
        let poison = stage.accept("poison", "text", OnUncertain::Resend).await;
        let (mut tries, mut passed) = (Vec::new(), 0);
        // Half a minute each: what waits no longer than the others is always at the head.
        for n in 0..120 {
            let id = stage.accept(&format!("m{n}"), "text", OnUncertain::Resend).await;
            // Either of them goes out next.
            while stage.store.message(id.clone()).await.unwrap().unwrap().state == PublicState::Queued {
                let (attempt, armed) = stage.start(0).await;
                assert!(armed, "{name}");
                let view = stage.store.message(poison.clone()).await.unwrap().unwrap();
                if view.parts[0].attempts.iter().any(|tried| tried.attempt == attempt) {
                    tries.push(n);
                    stage.end(0, attempt, end.clone()).await;
                } else {
                    passed += 1;
                    stage.end(0, attempt, SendOutcome::Accepted { mr: Some(1) }).await;
                }
            }
            pass(Duration::from_secs(30));
        }
        assert_eq!(passed, 120, "{name}: one that is stuck behind it");
        assert!((2..=16).contains(&tries.len()), "{name}: tried at {tries:?}");
        // What is held up meanwhile is one try.
        assert!(tries.windows(2).all(|pair| pair[0] < pair[1]), "{name}: {tries:?}");
        stage.close().await;
    }
}
