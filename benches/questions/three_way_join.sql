select c.segment as segment, date_trunc('month', o.ordered_at) as month,
       sum(i.qty * i.unit_price) as sold, count(*) as lines
from order_items i left join orders o on i.order_id = o.id left join customers c on o.customer_id = c.id
where o.ordered_at >= timestamp '2024-01-01 00:00:00' and o.ordered_at < timestamp '2025-01-01 00:00:00'
  and c.city <> 'Riga'
group by c.segment, date_trunc('month', o.ordered_at)
order by sold desc, segment, month
limit 100
