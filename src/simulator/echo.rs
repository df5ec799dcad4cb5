//! The echo phone: answers every text with the same text, once all its parts are there.

use crate::tpdu::{Address, Concat, Deliver, InformationElement, Submit, UserData};
use std::collections::VecDeque;

/// Long messages that are not complete; the oldest is forgotten first.
const OPEN_MAX: usize = 64;

/// A phone outside the lab.
#[derive(Debug)]
pub(super) struct EchoPhone {
    address: Address,
    /// Of its latest long message.
    reference: u8,
    open: VecDeque<Open>,
}

/// A long message that is not complete.
#[derive(Debug)]
struct Open {
    from: usize,
    /// Of the first part that came; `seq` is not looked at.
    concat: Concat,
    parts: Vec<Option<Submit>>,
}

impl EchoPhone {
    pub(super) fn new(number: &str, reference: u8) -> EchoPhone {
        EchoPhone { address: Address::from_number(number), reference, open: VecDeque::new() }
    }

    /// The answer to a message of this SIM: the same parts in their order. Empty when it is for somebody else, or not
    /// complete.
    pub(super) fn hear(&mut self, from: usize, submit: &Submit) -> Vec<Deliver> {
        if submit.da.text != self.address.text {
            return Vec::new();
        }
        let Some(concat) = submit.ud.udh.concat() else { return vec![self.answer(submit.clone())] };
        let Some(parts) = self.collect(from, concat, submit) else { return Vec::new() };
        self.reference = self.reference.wrapping_add(1);
        parts.into_iter().map(|part| self.answer(part)).collect()
    }

    /// All parts, when this was the last one missing.
    fn collect(&mut self, from: usize, concat: Concat, submit: &Submit) -> Option<Vec<Submit>> {
        let same = |open: &Open| {
            let Concat { reference, wide, total, .. } = open.concat;
            open.from == from && (reference, wide, total) == (concat.reference, concat.wide, concat.total)
        };
        let mut open = match self.open.iter().position(same).and_then(|at| self.open.remove(at)) {
            Some(open) => open,
            None => Open { from, concat, parts: vec![None; usize::from(concat.total)] },
        };
        // `Concat` promises 1 to total.
        *open.parts.get_mut(usize::from(concat.seq).checked_sub(1)?)? = Some(submit.clone());
        if open.parts.iter().all(Option::is_some) {
            return Some(open.parts.into_iter().flatten().collect());
        }
        if self.open.len() == OPEN_MAX {
            self.open.pop_front();
        }
        self.open.push_back(open);
        None
    }

    fn answer(&self, part: Submit) -> Deliver {
        let Submit { pid, dcs, ud, .. } = part;
        Deliver { oa: self.address.clone(), pid, dcs, ud: self.own_reference(ud), ..Deliver::default() }
    }

    /// A phone counts its own long messages.
    fn own_reference(&self, ud: UserData) -> UserData {
        let Some(concat) = ud.udh.concat() else { return ud };
        let own: InformationElement = Concat { reference: u16::from(self.reference), ..concat }.into();
        let mut ud = ud;
        for element in &mut ud.udh.0 {
            if matches!(element.iei, InformationElement::CONCAT_8 | InformationElement::CONCAT_16) {
                *element = own.clone();
            }
        }
        ud
    }
}
