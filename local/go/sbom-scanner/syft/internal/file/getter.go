// Package file, without the download client of the released file: nothing here fetches anything, and that client brings
// along the storage SDKs of three clouds, two thirds of all packages.
package file
