"""The data planes: one folder per AWS service. A service never imports another one."""
