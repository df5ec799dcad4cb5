//! The MQTT 5 bridge: commands in, events out.
