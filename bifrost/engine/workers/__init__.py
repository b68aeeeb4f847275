"""Worker processes: each hosts a share of the tasks of all persistent queries; the server starts and watches them."""
