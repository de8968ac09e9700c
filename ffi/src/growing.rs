//! Structs that may grow, and how programs and libraries of different releases share them.
//!
//! A later release adds fields at the end. The program says how large its own struct is, in the first
//! field or beside an array. What an older program doesn't have is read as zero, what an older library
//! doesn't know must be zero, and nothing is written beyond what the program has room for.

use std::mem::MaybeUninit;

use failover::ErrorKind;

/// A struct that may grow.
///
/// # Safety
///
/// It consists of numbers and pointers, so that zeroed bytes are a value of it. If it is used with
/// [`read`] or [`Place`], it begins with its size as an `u32`.
pub(crate) unsafe trait Grows: Copy {
    /// Its size in the first release that had it. Never changes: no program has less.
    const FIRST: usize;
}

/// Reads a program's struct; `room` holds what is read of one that isn't of our size.
#[inline]
pub(crate) fn read<T: Grows>(given: *const T, room: &mut MaybeUninit<T>) -> Result<&T, ErrorKind> {
    let size = size_at(given)?;
    if size == size_of::<T>() {
        // SAFETY: not NULL, aligned and of our size; C leaves it alone until the function returns.
        return Ok(unsafe { &*given });
    }
    convert(given, size, room)
}

/// Reads a struct of another release's size.
#[cold]
fn convert<T: Grows>(
    given: *const T,
    size: usize,
    room: &mut MaybeUninit<T>,
) -> Result<&T, ErrorKind> {
    check_size::<T>(size)?;
    // SAFETY: by contract `size` bytes are there.
    let from = unsafe { std::slice::from_raw_parts(given.cast::<MaybeUninit<u8>>(), size) };
    let (known, unknown) = from.split_at(size.min(size_of::<T>()));
    // SAFETY: by contract the program wrote all of its struct.
    if unknown.iter().any(|byte| unsafe { byte.assume_init() } != 0) {
        return Err(ErrorKind::Unsupported);
    }
    // SAFETY: that many bytes are there.
    let to = unsafe { bytes_mut(room.as_mut_ptr(), size_of::<T>()) };
    fill(to, known);
    // SAFETY: zeroed bytes are a value by the contract of `Grows`, and so are the program's.
    Ok(unsafe { room.assume_init_ref() })
}

/// A program's struct that is to be filled: its first field says how far.
#[derive(Debug)]
pub(crate) struct Place<T> {
    to: *mut T,
    size: usize,
}

impl<T: Grows> Place<T> {
    /// Looks at the size that the program gave.
    pub(crate) fn of(to: *mut T) -> Result<Self, ErrorKind> {
        let size = size_at(to)?;
        check_size::<T>(size)?;
        Ok(Self { to, size })
    }

    /// Fills it, but for the size, which stays the program's.
    pub(crate) fn write(self, value: &T) {
        // SAFETY: by contract `size` bytes are there.
        let to = unsafe { bytes_mut(self.to, self.size) };
        let head = size_of::<u32>();
        fill(&mut to[head..], &bytes(value)[head..]);
    }
}

/// A program's array that is to be filled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Array<T> {
    to: *mut T,
    /// The size of the program's elements.
    size: usize,
    capacity: usize,
}

impl<T: Grows> Array<T> {
    /// Looks at an array of `capacity` elements of `size` bytes.
    pub(crate) fn of(to: *mut T, size: usize, capacity: usize) -> Result<Self, ErrorKind> {
        check_size::<T>(size)?;
        Self { to, size, capacity }.check()
    }
}

impl<T: Copy> Array<T> {
    /// Looks at an array of plain numbers, which don't grow.
    pub(crate) fn of_numbers(to: *mut T, capacity: usize) -> Result<Self, ErrorKind> {
        Self { to, size: size_of::<T>(), capacity }.check()
    }

    fn check(self) -> Result<Self, ErrorKind> {
        if self.to.is_null() && self.capacity > 0 {
            return Err(ErrorKind::NullArgument);
        }
        if !self.to.is_aligned() || self.capacity > isize::MAX.unsigned_abs() / self.size {
            return Err(ErrorKind::InvalidArgument);
        }
        Ok(self)
    }

    /// How many elements it has.
    pub(crate) const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Writes element number `at`; beyond the last one, nothing.
    pub(crate) fn put(&self, at: usize, value: &T) {
        if at >= self.capacity {
            return;
        }
        // SAFETY: the caller of the C function says that `capacity` elements of `size` bytes are there.
        let element = unsafe { self.to.byte_add(at * self.size) };
        // SAFETY: as above.
        let to = unsafe { bytes_mut(element, self.size) };
        fill(to, bytes(value));
    }
}

/// The size that a struct gives in its first field.
#[inline]
fn size_at<T: Grows>(given: *const T) -> Result<usize, ErrorKind> {
    if given.is_null() {
        return Err(ErrorKind::NullArgument);
    }
    if !given.is_aligned() {
        return Err(ErrorKind::InvalidArgument);
    }
    // SAFETY: not NULL and aligned, and by contract the struct begins with its size.
    Ok(unsafe { given.cast::<u32>().read() } as usize)
}

/// Refuses a size that no release has, and garbage.
pub(crate) fn check_size<T: Grows>(size: usize) -> Result<(), ErrorKind> {
    if (T::FIRST..=LARGEST).contains(&size) && size.is_multiple_of(align_of::<T>()) {
        return Ok(());
    }
    Err(ErrorKind::Unsupported)
}

/// Copies what both have, and zeroes the rest of `to`.
fn fill(to: &mut [MaybeUninit<u8>], from: &[MaybeUninit<u8>]) {
    let both = to.len().min(from.len());
    let (known, rest) = to.split_at_mut(both);
    known.copy_from_slice(&from[..both]);
    rest.fill(MaybeUninit::new(0));
}

fn bytes<T>(value: &T) -> &[MaybeUninit<u8>] {
    let place = std::ptr::from_ref(value).cast();
    // SAFETY: a value has as many bytes as its type.
    unsafe { std::slice::from_raw_parts(place, size_of::<T>()) }
}

/// The bytes of a place.
///
/// # Safety
///
/// There are `size` of them, and nobody else uses them meanwhile.
unsafe fn bytes_mut<'a, T>(place: *mut T, size: usize) -> &'a mut [MaybeUninit<u8>] {
    // SAFETY: as this function's own contract.
    unsafe { std::slice::from_raw_parts_mut(place.cast(), size) }
}

/// A size beyond this is not a size but garbage.
const LARGEST: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    /// A struct as a later release may have it: it began with 16 bytes, then 8 were added.
    #[repr(C)]
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Grown {
        struct_size: u32,
        first: u32,
        second: u64,
        added: u64,
    }

    // SAFETY: numbers, and the size comes first.
    unsafe impl Grows for Grown {
        const FIRST: usize = 16;
    }

    /// The memory of a program, larger than any struct of it here.
    type Memory = [u64; 8];

    fn given(size: u32, words: [u64; 4]) -> Memory {
        let mut memory = [u64::MAX; 8];
        memory[0] = u64::from(size) | 7 << 32;
        memory[1..5].copy_from_slice(&words);
        memory
    }

    fn read_from(memory: &Memory) -> Result<Grown, ErrorKind> {
        read(memory.as_ptr().cast::<Grown>(), &mut MaybeUninit::uninit()).copied()
    }

    #[test]
    fn what_an_older_program_has_not_is_zero() {
        let read = read_from(&given(16, [1, 2, 3, 4])).expect("the first size is known");

        assert_eq!(read, Grown { struct_size: 16, first: 7, second: 1, added: 0 });
    }

    #[test]
    fn what_a_newer_program_has_beside_must_be_zero() {
        let read = read_from(&given(32, [1, 2, 0, 4])).expect("nothing unknown is said");

        assert_eq!(read, Grown { struct_size: 32, first: 7, second: 1, added: 2 });
        assert_eq!(read_from(&given(32, [1, 2, 3, 4])), Err(ErrorKind::Unsupported));
    }

    #[test]
    fn what_no_release_has_is_no_size() {
        for size in [0, 1, 4, 8, 15, 17, 20, 23, 25, 4097, 4104, u32::MAX] {
            let memory = given(size, [0; 4]);
            assert_eq!(read_from(&memory), Err(ErrorKind::Unsupported), "{size}");
            let place = Place::of(memory.as_ptr().cast::<Grown>().cast_mut());
            assert_eq!(place.err(), Some(ErrorKind::Unsupported), "{size}");
        }
        for size in [0, 1, 8, 17, 25, 4097, usize::MAX] {
            let array = Array::<Grown>::of(std::ptr::null_mut(), size, 0);
            assert_eq!(array.err(), Some(ErrorKind::Unsupported), "{size}");
        }
    }

    #[test]
    fn no_more_is_written_than_the_program_has_room_for() {
        let value = Grown { struct_size: 24, first: 9, second: 10, added: 11 };
        for (size, told) in [(16_u32, [10, 2, 3]), (24, [10, 11, 3]), (32, [10, 11, 0])] {
            let mut memory = given(size, [1, 2, 3, 4]);

            Place::of((&raw mut memory).cast::<Grown>()).expect("a known size").write(&value);

            assert_eq!(memory[0], u64::from(size) | 9 << 32, "the size stays the program's");
            assert_eq!(memory[1..4], told, "{size}");
            assert_eq!(memory[4..], [4, u64::MAX, u64::MAX, u64::MAX], "{size}");
        }
    }

    #[test]
    fn elements_stand_where_the_program_has_them() {
        let value = Grown { struct_size: 1, first: 0, second: 10, added: 11 };
        for (size, told) in [
            (16, [1, 10, 1, 10, 5, 5, 5, 5]),
            (24, [1, 10, 11, 1, 10, 11, 5, 5]),
            (32, [1, 10, 11, 0, 1, 10, 11, 0]),
        ] {
            let mut memory = [5_u64; 8];
            let array = Array::of((&raw mut memory).cast::<Grown>(), size, 2).expect("known");

            array.put(0, &value);
            array.put(1, &value);
            array.put(2, &value);

            assert_eq!(memory, told, "{size}");
        }
    }

    #[test]
    fn an_array_is_there_and_aligned() {
        let mut memory = [0_u64; 8];
        let odd = (&raw mut memory).cast::<u8>().wrapping_add(1).cast::<Grown>();

        assert!(Array::<Grown>::of(std::ptr::null_mut(), 24, 0).is_ok());
        let none = Array::<Grown>::of(std::ptr::null_mut(), 24, 1);
        assert_eq!(none.err(), Some(ErrorKind::NullArgument));
        assert_eq!(Array::of(odd, 24, 1).err(), Some(ErrorKind::InvalidArgument));
        let endless = Array::of((&raw mut memory).cast::<Grown>(), 24, usize::MAX);
        assert_eq!(endless.err(), Some(ErrorKind::InvalidArgument));
    }
}
