"""The shapes in which jobs are written: that of DataWorks, with steps, and that of DataX, with a content."""
