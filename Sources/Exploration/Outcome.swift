// SPDX-License-Identifier: GPL-2.0-only

/// What a result says.
enum Outcome: Equatable, Codable {
  case success
  case errno(Int32)
  /// NULL in place of a pointer: a failure of no certain kind.
  case null
  /// A status says so, of no errno.
  case failed
  /// Nothing can be said.
  case unknown

  init(_ kind: Plan.Result, _ value: UInt64) {
    let signed = Int64(bitPattern: value)
    let isErrno = (-4095..<0).contains(signed)
    switch kind {
    case .errno where isErrno: self = .errno(Int32(signed))
    case .errno: self = value == 0 ? .success : .unknown
    case .status: self = UInt32(truncatingIfNeeded: value) == 0 ? .success : .failed
    case .pointer where isErrno: self = .errno(Int32(signed))
    case .pointer: self = value == 0 ? .null : .success
    case .void, .other: self = .unknown
    }
  }

  var isFailure: Bool {
    switch self {
    case .errno, .null, .failed: true
    case .success, .unknown: false
    }
  }

  /// Whether an errno says that what was asked for goes on all the same: EAGAIN, EBUSY, EINPROGRESS, EIOCBQUEUED.
  var isOpen: Bool {
    if case .errno(let number) = self { [-11, -16, -115, -529].contains(number) } else { false }
  }
}
