-- The wall clock may be set: instants in here are on a line of our own, which goes on whatever that clock does.

-- How long the machine had been on, in milliseconds; and what to add to our instants to have the wall clock's.
ALTER TABLE epochs ADD COLUMN boottime INTEGER;
ALTER TABLE epochs ADD COLUMN wall_offset INTEGER NOT NULL DEFAULT 0;
-- The only instant of the wall clock: when a client wants it sent; NULL: at once.
ALTER TABLE messages ADD COLUMN send_at INTEGER;
CREATE INDEX messages_send_at ON messages (send_at) WHERE send_at IS NOT NULL;
