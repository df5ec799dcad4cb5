//! Enums whose values have a word in JSON and a number in the database, each written down once.

/// Makes such an enum, with `WORDS`, `word` and `from_number`. Numbers are in databases: never renumber.
macro_rules! words {
    (
        $(#[$about:meta])*
        pub enum $name:ident {
            $($(#[$of_value:meta])* $value:ident = $number:literal $word:literal,)+
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $name {
            $($(#[$of_value])* $value = $number,)+
        }

        impl $name {
            /// All values with their words.
            pub const WORDS: &[($name, &'static str)] = &[$(($name::$value, $word)),+];

            /// The word used in JSON and on the command line.
            pub fn word(self) -> &'static str {
                match self {
                    $($name::$value => $word,)+
                }
            }

            /// The value with this number; `None` for a number that no version has used.
            pub fn from_number(n: u8) -> Option<$name> {
                match n {
                    $($number => Some($name::$value),)+
                    _ => None,
                }
            }
        }
    };
}

pub(super) use words;
