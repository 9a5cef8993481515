// SPDX-License-Identifier: GPL-2.0-only

/// Names of the error numbers that kernel functions return.
public enum Errno {
  private static let names: [Int32: String] = [
    1: "EPERM", 2: "ENOENT", 4: "EINTR", 5: "EIO", 7: "E2BIG", 9: "EBADF", 11: "EAGAIN",
    12: "ENOMEM", 13: "EACCES", 14: "EFAULT", 16: "EBUSY", 17: "EEXIST", 19: "ENODEV",
    22: "EINVAL", 25: "ENOTTY", 28: "ENOSPC", 34: "ERANGE", 38: "ENOSYS", 95: "EOPNOTSUPP",
  ]

  /// `-ENOMEM` for -12; the number itself where it is no error that has a name here.
  public static func name(_ result: Int32) -> String {
    guard result < 0, result > Int32.min, let name = names[-result] else { return "\(result)" }
    return "-\(name)"
  }
}
