"""What an operator must know before it stops working: keys, certificates, lists, folders, database."""
