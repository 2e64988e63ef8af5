#pragma once

// What of SQLite is variadic, which Swift cannot call. Declares nothing of SQLite's own: that is
// imported through GRDB, and one declaration in two modules is ambiguous.

// Has SQLite not count the memory it takes, which costs a lock around every piece of it: some
// eighty for a record. Nothing here asks for the count. Before SQLite is first used; returns its
// result code.
int csqlite_leave_memory_uncounted(void);
