//! What SIMs made of PINs outlives the process.

use super::rig::Rig;
use gsmgate::model::{PinMark, PinRecord};

#[tokio::test]
async fn a_mark_is_there_after_a_restart_and_is_of_one_sim_and_one_pin() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    let (a, b) = ([1; 32], [2; 32]);
    let steps = [
        ("sim1", a, Some(PinMark::Tried), None, 0, false),
        ("sim1", a, Some(PinMark::Refused), Some(PinMark::Tried), 0, false),
        ("sim1", a, None, Some(PinMark::Refused), 0, false),
        ("sim1", b, Some(PinMark::Accepted), None, 1, false),
        // The other PIN, another SIM.
        ("sim1", a, None, Some(PinMark::Refused), 0, false),
        ("sim2", b, None, None, 0, true),
        ("sim2", a, None, None, 0, false),
    ];
    for (sim, pin, mark, here, others_wrong, fits_another) in steps {
        let record = rig.store.pin_record(sim.to_owned(), "modem1".to_owned(), pin, mark).await.unwrap();
        assert_eq!(record, PinRecord { here, others_wrong, fits_another }, "{sim} {mark:?}");
        rig.close();
        rig = Rig::open(dir.path());
    }
    let elsewhere = rig.store.pin_record("sim2".to_owned(), "modem2".to_owned(), b, None).await.unwrap();
    assert_eq!(elsewhere, PinRecord::default(), "another modem may hold another SIM with the same PIN");
    rig.close();
}
