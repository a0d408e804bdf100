//! The fields of `Config` that hold a whole number, whatever their width: the number of a row in, kept in its field.

/// A field for a whole number.
pub trait Whole {
    /// Keeps the number, which fits: a row's range is within its field's, as a test proves.
    fn put(&mut self, number: u64);
}

macro_rules! whole {
    ($($width:ty)+) => {
        $(impl Whole for $width {
            fn put(&mut self, number: u64) {
                *self = number.try_into().expect("the range of the row fits its field");
            }
        })+
    };
}

whole!(u16 u32 u64);

impl<N: Whole + Default> Whole for Option<N> {
    fn put(&mut self, number: u64) {
        self.insert(N::default()).put(number);
    }
}
