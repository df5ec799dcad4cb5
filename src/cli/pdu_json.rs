//! A PDU's values as JSON, with the keys that codecs' conformance vectors use.

use crate::tpdu::broadcast::{self, Page, SerialNumber};
use crate::tpdu::{
    Address, Alphabet, CbsDcs, Concat, Dcs, DecodeError, Direction, Incoming, MessageClass, Outgoing, Parameters, Pdu,
    Pid, Ports, PrimaryNotification, Scts, SpecialMessage, Udh, UserData, ValidityPeriod, hex, join, ussd, wap,
};
use serde_json::{Map, Value, json};

/// Everything that the octets say; keys of absent fields are absent.
pub(super) fn values(octets: &[u8], direction: Direction) -> Result<Map<String, Value>, DecodeError> {
    let mut out = Out::default();
    match direction {
        Direction::FromModem => out.incoming(&Incoming::decode(octets)?),
        Direction::ToModem => out.outgoing(&Outgoing::decode(octets)?),
    }
    Ok(out.0)
}

/// A cell broadcast: what all its pages say alike, and the text of those that are here.
pub(super) fn broadcast(octets: &[u8]) -> Result<Map<String, Value>, DecodeError> {
    let mut out = Out::default();
    if let Some(found) = PrimaryNotification::of(octets) {
        out.broadcast_head("etws_primary", found.serial, found.message_id);
        out.put("warning", found.warning);
        out.put("warning_text", found.warning_text());
        out.put("user_alert", found.user_alert);
        out.put("popup", found.popup);
        return Ok(out.0);
    }
    let pages = broadcast::decode(octets)?;
    let Some(Page { serial, message_id, dcs, page, pages: total, .. }) = pages.first() else { return Ok(out.0) };
    out.broadcast_head("cell_broadcast", *serial, *message_id);
    out.cbs_scheme(*dcs);
    out.put("language", pages[0].language());
    // A message of UMTS has all its pages at once.
    out.put("page", *page);
    out.put("pages", *total);
    out.put("text", if pages.len() > 1 { broadcast::join(&pages) } else { Some(pages[0].text()) });
    if dcs.alphabet() == Alphabet::Octets {
        let content: Vec<u8> = pages.iter().flat_map(|page| page.content.clone()).collect();
        out.put("data_hex", hex::encode(&content));
    }
    Ok(out.0)
}

/// A string of `+CUSD`.
pub(super) fn ussd(string: &str, dcs: Option<CbsDcs>) -> Map<String, Value> {
    let mut out = Out::default();
    out.put("valid", true);
    out.put("kind", "ussd");
    let form = ussd::guess(string, dcs);
    out.put("form", ussd_form(form));
    if let Some(dcs) = dcs {
        out.cbs_scheme(dcs);
    }
    if !dcs.is_some_and(CbsDcs::is_compressed) {
        out.put("text", ussd::decode_as(string, form, dcs));
    }
    if form == ussd::Form::Octets {
        out.put("data_hex", string.to_ascii_uppercase());
    }
    out.0
}

/// The word for a form.
pub(super) fn ussd_form(form: ussd::Form) -> &'static str {
    match form {
        ussd::Form::Raw => "raw",
        ussd::Form::Packed => "packed",
        ussd::Form::Ucs2 => "ucs2",
        ussd::Form::Octets => "octets",
    }
}

#[derive(Default)]
struct Out(Map<String, Value>);

impl Out {
    fn put(&mut self, key: &str, value: impl Into<Value>) {
        self.0.insert(key.to_owned(), value.into());
    }

    fn incoming(&mut self, incoming: &Incoming) {
        match incoming {
            Incoming::Deliver(Pdu { smsc, tpdu }) => {
                self.head("deliver", smsc.as_ref());
                self.put("more_messages", tpdu.mms);
                self.put("loop_prevention", tpdu.lp);
                self.put("status_report", tpdu.sri);
                self.put("reply_path", tpdu.rp);
                self.address(&tpdu.oa);
                self.pid(tpdu.pid);
                self.stamp("timestamp", &tpdu.scts);
                self.user_data(tpdu.dcs, &tpdu.ud);
            }
            Incoming::StatusReport(Pdu { smsc, tpdu }) => {
                self.head("status_report", smsc.as_ref());
                self.put("more_messages", tpdu.mms);
                self.put("loop_prevention", tpdu.lp);
                self.put("for_command", tpdu.srq);
                self.put("mr", tpdu.mr.0);
                self.address(&tpdu.ra);
                self.stamp("timestamp", &tpdu.scts);
                self.stamp("discharge_time", &tpdu.dt);
                self.put("status", tpdu.st.0);
                self.put("status_text", tpdu.st.to_string());
                self.put("status_category", tpdu.st.category().word());
                self.parameters(&tpdu.parameters);
            }
            Incoming::SubmitReport(Pdu { smsc, tpdu }) => {
                self.head("submit_report", smsc.as_ref());
                self.cause(tpdu.fcs);
                self.stamp("timestamp", &tpdu.scts);
                self.parameters(&tpdu.parameters);
            }
        }
    }

    fn outgoing(&mut self, outgoing: &Outgoing) {
        match outgoing {
            Outgoing::Submit(Pdu { smsc, tpdu }) => {
                self.head("submit", smsc.as_ref());
                self.put("reject_duplicates", tpdu.rd);
                self.put("status_report", tpdu.srr);
                self.put("reply_path", tpdu.rp);
                self.put("mr", tpdu.mr.0);
                self.address(&tpdu.da);
                self.pid(tpdu.pid);
                self.put("validity", validity(tpdu.vp.as_ref()));
                self.user_data(tpdu.dcs, &tpdu.ud);
            }
            Outgoing::Command(Pdu { smsc, tpdu }) => {
                self.head("command", smsc.as_ref());
                self.put("status_report", tpdu.srr);
                self.put("mr", tpdu.mr.0);
                self.pid(tpdu.pid);
                self.put("command_type", tpdu.ct.0);
                self.put("message_number", tpdu.mn);
                self.address(&tpdu.da);
                self.put("user_data_header", tpdu.udhi);
                self.put("data_hex", hex::encode(&tpdu.cd));
            }
            Outgoing::DeliverReport(Pdu { smsc, tpdu }) => {
                self.head("deliver_report", smsc.as_ref());
                self.cause(tpdu.fcs);
                self.parameters(&tpdu.parameters);
            }
        }
    }

    fn broadcast_head(&mut self, kind: &str, serial: SerialNumber, message_id: u16) {
        self.put("valid", true);
        self.put("kind", kind);
        self.put("serial_number", serial.bits());
        self.put("scope", serial.scope);
        self.put("code", serial.code);
        self.put("update", serial.update);
        self.put("message_id", message_id);
        self.put("subject", broadcast::subject(message_id));
    }

    fn head(&mut self, kind: &str, smsc: Option<&Address>) {
        self.put("valid", true);
        self.put("kind", kind);
        if let Some(smsc) = smsc {
            self.put("smsc", smsc.to_string());
        }
    }

    fn address(&mut self, address: &Address) {
        self.put("number", address.to_string());
        self.put("number_type", address.ton.word());
        self.put("toa", address.toa());
    }

    fn pid(&mut self, pid: Pid) {
        self.put("pid", pid.0);
    }

    fn cause(&mut self, fcs: Option<crate::tpdu::FailureCause>) {
        if let Some(fcs) = fcs {
            self.put("failure_cause", fcs.0);
            self.put("failure_text", fcs.to_string());
        }
    }

    /// RFC 3339; null when the digits are no date.
    fn stamp(&mut self, key: &str, stamp: &Scts) {
        let text = stamp.unix_seconds().map(|_| stamp.to_string());
        self.put(key, text);
    }

    fn parameters(&mut self, parameters: &Parameters) {
        if let Some(pid) = parameters.pid {
            self.pid(pid);
        }
        match (&parameters.ud, parameters.dcs) {
            (Some(ud), _) => self.user_data(parameters.scheme(), ud),
            (None, Some(dcs)) => self.scheme(dcs),
            (None, None) => {}
        }
    }

    fn scheme(&mut self, dcs: Dcs) {
        self.coding(dcs.0, dcs.text_alphabet(), dcs.is_compressed(), dcs.class());
    }

    fn cbs_scheme(&mut self, dcs: CbsDcs) {
        self.coding(dcs.0, dcs.text_alphabet(), dcs.is_compressed(), dcs.class());
    }

    fn coding(&mut self, dcs: u8, alphabet: Alphabet, is_compressed: bool, class: Option<MessageClass>) {
        self.put("dcs", dcs);
        let alphabet = match alphabet {
            Alphabet::Gsm7 => "gsm7",
            Alphabet::Octets => "8bit",
            Alphabet::Ucs2 => "ucs2",
        };
        self.put("alphabet", alphabet);
        if is_compressed {
            self.put("compressed", true);
        }
        if let Some(class) = class {
            self.put("class", class.bits());
        }
    }

    fn user_data(&mut self, dcs: Dcs, ud: &UserData) {
        self.scheme(dcs);
        self.header(&ud.udh);
        // 8 bit data may be text all the same; then it is ISO 8859-1.
        if !dcs.is_compressed() {
            self.put("text", join::text(&[(&dcs, ud)]));
        }
        if dcs.alphabet() == Alphabet::Octets {
            self.put("data_hex", hex::encode(&ud.payload));
        }
        if let Some(push) = wap::Push::of(ud) {
            self.put("wap_push", push.map_or_else(|error| json!({ "error": decode_error(&error) }), |p| wap_push(&p)));
        }
    }

    fn header(&mut self, udh: &Udh) {
        let elements =
            udh.0.iter().map(|ie| json!({ "iei": ie.iei, "data": hex::encode(&ie.data), "name": ie.name() }));
        self.put("udh", elements.collect::<Vec<_>>());
        if let Some(Concat { reference, wide, total, seq }) = udh.concat() {
            let bits = if wide { 16 } else { 8 };
            self.put("concat", json!({ "ref": reference, "total": total, "seq": seq, "bits": bits }));
        }
        if let Some(Ports { dst, src, wide }) = udh.ports() {
            self.put("ports", json!({ "dst": dst, "src": src, "bits": if wide { 16 } else { 8 } }));
        }
        let waiting = udh.waiting();
        if !waiting.is_empty() {
            self.put("special_messages", waiting.iter().map(special_message).collect::<Vec<_>>());
        }
        if let Some(address) = udh.reply_address() {
            self.put("reply_address", address.to_string());
        }
        let shift = udh.shift();
        for (key, language) in [("locking", shift.locking), ("single", shift.single)] {
            if let Some(language) = language {
                self.put(key, language.identifier());
            }
        }
    }
}

fn special_message(message: &SpecialMessage) -> Value {
    let SpecialMessage { store, profile, extended, count, .. } = *message;
    json!({ "kind": message.word(), "extended": extended, "count": count, "profile": profile, "store": store })
}

fn wap_push(push: &wap::Push) -> Value {
    let wap::Push { transaction, content_type, application_id, body } = push;
    let body = match body {
        wap::Body::MmsNotification(mms) => json!({ "mms_notification": {
            "transaction_id": mms.transaction_id,
            "version": format!("{}.{}", mms.version.0, mms.version.1),
            "from": mms.from,
            "subject": mms.subject,
            "class": mms.class,
            "size": mms.size,
            "expiry": mms.expiry.map(|expiry| match expiry {
                wap::Expiry::At(seconds) => json!({ "at": seconds }),
                wap::Expiry::After(seconds) => json!({ "after": seconds }),
            }),
            "content_location": mms.content_location,
        } }),
        wap::Body::Indication(si) => json!({ "service_indication": {
            "href": si.href,
            "text": si.text,
            "id": si.id,
            "created": si.created,
            "expires": si.expires,
            "action": si.action.word(),
        } }),
        wap::Body::Loading(sl) => {
            json!({ "service_loading": { "href": sl.href, "action": sl.action.word() } })
        }
        wap::Body::Other(octets) => json!({ "data_hex": hex::encode(octets) }),
    };
    json!({ "transaction": transaction, "content_type": content_type, "application_id": application_id, "body": body })
}

/// Field, octet and what is wrong.
pub(super) fn decode_error(error: &DecodeError) -> Value {
    json!({ "field": error.field, "octet": error.octet, "detail": error.detail.to_string() })
}

fn validity(vp: Option<&ValidityPeriod>) -> Value {
    let seconds = vp.and_then(ValidityPeriod::duration).map(|span| span.as_secs());
    match vp {
        None => json!({ "format": "none" }),
        Some(ValidityPeriod::Relative(octet)) => json!({ "format": "relative", "octet": octet, "seconds": seconds }),
        Some(ValidityPeriod::Absolute(until)) => {
            json!({ "format": "absolute", "at": until.unix_seconds().map(|_| until.to_string()) })
        }
        Some(ValidityPeriod::Enhanced(octets @ [functions, ..])) => json!({
            "format": "enhanced",
            "efi": functions & 0x07,
            "single_shot": vp.is_some_and(ValidityPeriod::is_single_shot),
            "seconds": seconds,
            "octets": hex::encode(octets),
        }),
    }
}
