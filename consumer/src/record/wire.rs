//! Protobuf's wire format (<https://protobuf.dev/programming-guides/encoding/>), read in place: fields borrow from the
//! record's bytes, and nothing is allocated.
//!
//! It accepts and refuses exactly what prost does; a property test compares the two.

/// How deep groups of unknown fields may nest: prost's limit.
const DEPTH_MAX: u32 = 100;

/// Why bytes are not a protobuf message, in words for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

/// A field's value by its wire type; the contract says what type it is.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// int32, int64, uint64, bool, enum.
    Varint(u64),
    /// string, bytes, a message.
    Bytes(&'a [u8]),
    /// A wire type that no field of this contract has.
    Other,
}

impl<'a> Value<'a> {
    /// The value of a field declared as a message.
    pub fn message(self) -> Result<&'a [u8], Malformed> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Varint(_) | Self::Other => {
                Err(Malformed("a field has another wire type than the contract says"))
            }
        }
    }

    /// The value of a field declared as a string.
    pub fn text(self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.message()?).map_err(|_| Malformed("a string is not UTF-8"))
    }

    /// The value of a field declared as an integer or an enum, as its 64 bits.
    pub fn varint(self) -> Result<u64, Malformed> {
        match self {
            Self::Varint(value) => Ok(value),
            Self::Bytes(_) | Self::Other => {
                Err(Malformed("a field has another wire type than the contract says"))
            }
        }
    }

    /// The value of a field declared as an `int32` or an enum: the low 32 bits, as protobuf demands.
    pub fn int32(self) -> Result<i32, Malformed> {
        #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
        self.varint().map(|value| value as i32)
    }

    /// The value of a field declared as an `int64`.
    pub fn int64(self) -> Result<i64, Malformed> {
        self.varint().map(u64::cast_signed)
    }
}

/// Whether the bytes are a message's fields, whatever they mean.
#[must_use]
pub fn is_message(bytes: &[u8]) -> bool {
    let mut fields = Fields::of(bytes);
    loop {
        match fields.take_next() {
            Ok(Some(_)) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

/// The fields of a message, in order.
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The fields of the message in `bytes`.
    pub fn of(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next field's number and value; `None` at the end.
    #[inline(always)]
    pub fn take_next(&mut self) -> Result<Option<(u32, Value<'a>)>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (number, wire) = self.key()?;
        let value = match wire {
            0 => Value::Varint(self.varint()?),
            2 => {
                let length = self.varint()?;
                Value::Bytes(self.take(length)?)
            }
            other => {
                self.skip(number, other, DEPTH_MAX)?;
                Value::Other
            }
        };
        Ok(Some((number, value)))
    }

    #[inline(always)]
    fn key(&mut self) -> Result<(u32, u8), Malformed> {
        let key = u32::try_from(self.varint()?).map_err(|_| Malformed("a field's key is out of range"))?;
        let number = key >> 3;
        if number == 0 {
            return Err(Malformed("a field has number 0"));
        }
        Ok((number, (key & 7) as u8))
    }

    #[inline(always)]
    fn varint(&mut self) -> Result<u64, Malformed> {
        // Keys, lengths and enums are nearly always one byte long.
        if let Some((&byte @ 0..0x80, rest)) = self.rest.split_first() {
            self.rest = rest;
            return Ok(u64::from(byte));
        }
        self.long_varint()
    }

    fn long_varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0u64;
        for (index, &byte) in self.rest.iter().take(10).enumerate() {
            if index == 9 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                self.rest = &self.rest[index + 1..];
                return Ok(value);
            }
        }
        Err(Malformed("a number is cut off or too long"))
    }

    #[inline(always)]
    fn take(&mut self, length: u64) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let (taken, rest) =
            self.rest.split_at_checked(length).ok_or(Malformed("a field is longer than the record"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn skip(&mut self, number: u32, wire: u8, depth: u32) -> Result<(), Malformed> {
        match wire {
            0 => self.varint().map(drop),
            1 => self.take(8).map(drop),
            2 => self.varint().and_then(|length| self.take(length)).map(drop),
            3 => self.skip_group(number, depth),
            5 => self.take(4).map(drop),
            _ => Err(Malformed("a field has no valid wire type")),
        }
    }

    fn skip_group(&mut self, group: u32, depth: u32) -> Result<(), Malformed> {
        let deeper = depth.checked_sub(1).ok_or(Malformed("groups nest too deep"))?;
        loop {
            let (number, wire) = self.key()?;
            if wire == 4 {
                return if number == group {
                    Ok(())
                } else {
                    Err(Malformed("a group ends that did not begin"))
                };
            }
            self.skip(number, wire, deeper)?;
        }
    }
}
