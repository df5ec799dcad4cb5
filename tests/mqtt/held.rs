//! A store that takes nothing for a while: commands stay with the broker until it does.

use super::rig::{Rig, soon};
use super::user::{Broker, Seen, User};
use gsmgate::model::StoreState;
use std::time::Duration;

#[tokio::test]
async fn commands_wait_until_the_store_takes_them() {
    let (dir, broker) = (tempfile::tempdir().unwrap(), Broker::start(0).await);
    let rig = Rig::start(dir.path(), broker.address);
    let mut user = User::of_gateway(broker.address).await;
    let shell = rusqlite::Connection::open(dir.path().join("gsmgate.db")).unwrap();
    shell.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut state = rig.store.state();
    // The first one finds it out, the others are told.
    for n in 0..40 {
        user.send(format!(r#"{{"to":"+491701234567","text":"a","id":"m{n}"}}"#)).await;
    }
    soon("the store is held", state.wait_for(|state| *state == StoreState::Locked)).await.unwrap();
    let is_told = |word: &'static str| move |it: &Seen| it.topic.ends_with("/t/state") && it.json["store"] == word;
    user.next_that("the state", is_told("locked")).await;
    // For a while nothing comes of them: a refusal would come at once.
    tokio::time::sleep(Duration::from_millis(200)).await;
    shell.execute_batch("ROLLBACK").unwrap();
    user.next_that("the state", is_told("ok")).await;
    let mut accepted = std::collections::BTreeSet::new();
    while accepted.len() < 40 {
        let status = user.next_of_kind("status").await.json;
        assert_eq!(status["state"], "queued");
        accepted.insert(status["id"].as_str().unwrap().to_owned());
    }
    let refused = rig.gateway.events(0, 1000).await.unwrap();
    assert_eq!(refused.len(), 40, "none was refused");
    rig.stop().await;
}
