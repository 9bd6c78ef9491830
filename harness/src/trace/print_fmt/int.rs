//! Integers with C's types, on x86-64: what an expression of a `print fmt` computes with.

/// A type of integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IntType {
    /// 1, 2, 4 or 8.
    pub(crate) bytes: u8,
    pub(crate) signed: bool,
}

/// An integer of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Int {
    /// Extended to 64 bits by its sign.
    bits: u64,
    ty: IntType,
}

impl IntType {
    pub(crate) const INT: IntType = IntType { bytes: 4, signed: true };
    pub(crate) const UINT: IntType = IntType { bytes: 4, signed: false };
    pub(crate) const LONG: IntType = IntType { bytes: 8, signed: true };
    pub(crate) const ULONG: IntType = IntType { bytes: 8, signed: false };

    /// The type of this name. `unsigned int` and the like come with their words in order.
    pub(crate) fn named(name: &str) -> Option<IntType> {
        let (bytes, signed) = match name {
            "char" | "signed char" | "s8" | "__s8" | "int8_t" => (1, true),
            "unsigned char" | "u8" | "__u8" | "uint8_t" | "bool" | "_Bool" | "cpumask_t" => (1, false),
            "short" | "short int" | "s16" | "__s16" | "int16_t" => (2, true),
            "unsigned short" | "short unsigned int" | "u16" | "__u16" | "uint16_t" | "umode_t" => (2, false),
            "int" | "signed int" | "signed" | "s32" | "__s32" | "int32_t" | "pid_t" => (4, true),
            "unsigned int" | "unsigned" | "u32" | "__u32" | "uint32_t" | "gfp_t" | "dev_t" | "fmode_t"
            | "uid_t" | "gid_t" | "isolate_mode_t" => (4, false),
            "long" | "long int" | "long long" | "s64" | "__s64" | "int64_t" | "loff_t" | "ssize_t"
            | "ktime_t" | "off_t" | "ptrdiff_t" | "time64_t" => (8, true),
            "unsigned long" | "long unsigned int" | "unsigned long long" | "u64" | "__u64" | "uint64_t"
            | "size_t" | "sector_t" | "pgoff_t" | "ino_t" | "dma_addr_t" | "phys_addr_t"
            | "resource_size_t" | "uintptr_t" | "blkcnt_t" => (8, false),
            _ => return None,
        };
        Some(IntType { bytes, signed })
    }

    /// What it becomes in an expression: nothing is smaller than an `int`.
    fn promoted(self) -> IntType {
        if self.bytes < 4 { IntType::INT } else { self }
    }

    /// The type in which two operands meet.
    fn common(self, other: IntType) -> IntType {
        let (one, other) = (self.promoted(), other.promoted());
        let bytes = one.bytes.max(other.bytes);
        let unsigned = [one, other].iter().any(|ty| ty.bytes == bytes && !ty.signed);
        IntType { bytes, signed: !unsigned }
    }
}

impl Int {
    /// The lowest bits, as this type has them.
    pub(crate) fn new(bits: u64, ty: IntType) -> Int {
        let unused = 64 - 8 * u32::from(ty.bytes.clamp(1, 8));
        let bits = match ty.signed {
            true => (((bits << unused) as i64) >> unused) as u64,
            false => (bits << unused) >> unused,
        };
        Int { bits, ty }
    }

    pub(crate) fn of_bool(value: bool) -> Int {
        Int::new(u64::from(value), IntType::INT)
    }

    /// The value as an unsigned long.
    pub(crate) fn bits(self) -> u64 {
        self.bits
    }

    /// Whether it is below zero.
    pub(crate) fn is_negative(self) -> bool {
        self.ty.signed && (self.bits as i64) < 0
    }

    pub(super) fn is_true(self) -> bool {
        self.bits != 0
    }

    pub(super) fn cast(self, ty: IntType) -> Int {
        Int::new(self.bits, ty)
    }

    /// `-`, `~`, `!` or `+`.
    pub(super) fn unary(self, operator: &str) -> Option<Int> {
        let ty = self.ty.promoted();
        Some(match operator {
            "-" => Int::new(self.bits.wrapping_neg(), ty),
            "~" => Int::new(!self.bits, ty),
            "+" => Int::new(self.bits, ty),
            "!" => Int::of_bool(!self.is_true()),
            _ => return None,
        })
    }

    /// An operator between two; none for a division by zero, and for what is no operator.
    pub(super) fn binary(self, operator: &str, other: Int) -> Option<Int> {
        if matches!(operator, "<<" | ">>") {
            return self.shifted(operator == "<<", other);
        }
        let ty = self.ty.common(other.ty);
        let (a, b) = (self.cast(ty).bits, other.cast(ty).bits);
        let (x, y) = (a as i64, b as i64);
        let order = if ty.signed { x.cmp(&y) } else { a.cmp(&b) };
        Some(match operator {
            "+" => Int::new(a.wrapping_add(b), ty),
            "-" => Int::new(a.wrapping_sub(b), ty),
            "*" => Int::new(a.wrapping_mul(b), ty),
            "/" if ty.signed => Int::new(x.checked_div(y)? as u64, ty),
            "/" => Int::new(a.checked_div(b)?, ty),
            "%" if ty.signed => Int::new(x.checked_rem(y)? as u64, ty),
            "%" => Int::new(a.checked_rem(b)?, ty),
            "&" => Int::new(a & b, ty),
            "|" => Int::new(a | b, ty),
            "^" => Int::new(a ^ b, ty),
            "<" => Int::of_bool(order.is_lt()),
            ">" => Int::of_bool(order.is_gt()),
            "<=" => Int::of_bool(order.is_le()),
            ">=" => Int::of_bool(order.is_ge()),
            "==" => Int::of_bool(order.is_eq()),
            "!=" => Int::of_bool(order.is_ne()),
            "&&" => Int::of_bool(self.is_true() && other.is_true()),
            "||" => Int::of_bool(self.is_true() || other.is_true()),
            _ => return None,
        })
    }

    /// x86-64 shifts by the lower five or six bits of the count.
    fn shifted(self, left: bool, count: Int) -> Option<Int> {
        let ty = self.ty.promoted();
        let count = (count.bits as u32) & if ty.bytes == 8 { 63 } else { 31 };
        let bits = match (left, ty.signed) {
            (true, _) => self.bits << count,
            (false, true) => ((self.bits as i64) >> count) as u64,
            (false, false) => self.bits >> count,
        };
        Some(Int::new(bits, ty))
    }
}
